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

it('is quick at a megabyte', () => {
  const value = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `item ${id} of many` }));
  expect(JSON.stringify(value).length).toBeGreaterThan(600_000);
  const before = performance.now();
  expect(jsonLines(value, open).length).toBe(80_002);
  expect(performance.now() - before).toBeLessThan(1_000);
});

it('cuts long text into lines', () => {
  expect(textLines('ab\n\nabcdef', 4).map(lineText)).toEqual(['ab', '', 'abcd', 'ef']);
});
