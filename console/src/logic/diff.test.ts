// Comparing two texts.
import { expect, it } from 'vitest';
import { around, diff, differs } from './diff';

const marks = { same: ' ', gone: '-', new: '+' };
const patch = (before: string[], after: string[]) =>
  diff(before.join('\n'), after.join('\n')).map((line) => marks[line.kind] + line.text);

it('keeps what both have and tells what went and came', () => {
  expect(patch(['a', 'b', 'c', 'd'], ['a', 'x', 'c', 'd', 'e'])).toEqual([
    ' a',
    '-b',
    '+x',
    ' c',
    ' d',
    '+e',
  ]);
});

it('finds no difference between equal texts', () => {
  expect(differs(diff('a\nb', 'a\nb'))).toBe(false);
  expect(differs(diff('', ''))).toBe(false);
});

it('shows a text against nothing as new', () => {
  expect(patch([], ['a', 'b'])).toEqual(['+a', '+b']);
});

it('treats very long texts as replaced instead of comparing for minutes', () => {
  const many = (prefix: string) => Array.from({ length: 3000 }, (_, n) => `${prefix}${n}`);
  const all = diff(many('a').join('\n'), many('b').join('\n'));
  expect(all.filter((line) => line.kind === 'gone')).toHaveLength(3000);
});

it('folds what did not change, except next to a change', () => {
  const before = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  const after = before.with(10, 'other');
  const parts = around(diff(before.join('\n'), after.join('\n')), 2);
  expect(parts[0]).toEqual({ skipped: 8 });
  expect(parts[1] && 'lines' in parts[1] && parts[1].lines).toHaveLength(6);
  expect(parts[2]).toEqual({ skipped: 7 });
});
