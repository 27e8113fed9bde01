// JSON as lines that fold.
import { expect, it } from 'vitest';
import { jsonLines, lineText, textLines } from './jsonLines';

const open = () => false;
const text = (value: unknown, folded: (path: string, depth: number) => boolean = open) =>
  jsonLines(value, folded).map((line) => '  '.repeat(line.depth) + lineText(line));

it('writes what JSON.stringify writes', () => {
  const value = { a: [1, 'two', null, true], b: {}, c: [], d: { e: 'f"g' } };
  const expected = JSON.stringify(value, null, 2).split('\n');
  expect(text(value)).toEqual(expected);
});

it('folds what it is told to', () => {
  expect(text({ a: [1, 2], b: 3 }, (path) => path === '$/a')).toEqual([
    '{',
    '  "a": [ 2 items ],',
    '  "b": 3',
    '}',
  ]);
});

it('takes time in proportion to the length, up to a megabyte', () => {
  const best = (count: number) => {
    const value = Array.from({ length: count }, (_, id) => ({ id, name: `item ${id} of many` }));
    // The best of a few: a busy machine says nothing about the code.
    const took = Array.from({ length: 5 }, () => {
      const before = performance.now();
      expect(jsonLines(value, open).length).toBe(count * 4 + 2);
      return performance.now() - before;
    });
    return Math.min(...took);
  };
  expect(best(20_000)).toBeLessThan(best(2_000) * 60 + 20);
});

it('cuts long text into lines', () => {
  expect(textLines('ab\n\nabcdef', 4).map(lineText)).toEqual(['ab', '', 'abcd', 'ef']);
});
