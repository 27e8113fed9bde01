// Lines of declared parameters and results.
import { expect, test } from 'vitest';
import { formatFields, parametersOf, parseFields } from './fields';

test('lines are read and written alike', () => {
  const text = 'text*: What it says.\nsize\nurl: http://x';
  const fields = parseFields(text);
  expect(fields).toEqual([
    { name: 'text', description: 'What it says.', required: true },
    { name: 'size', description: '', required: false },
    { name: 'url', description: 'http://x', required: false },
  ]);
  expect(formatFields(fields)).toBe(text);
  expect(parseFields('\n  \n')).toEqual([]);
});

test('options and default of a parameter are kept', () => {
  const before = [
    { id: 'size', description: '', required: false, options: ['S', 'L'], defaultValue: 'S' },
  ];
  expect(parametersOf('size*\nnew', before)).toEqual([
    { id: 'size', description: '', required: true, options: ['S', 'L'], defaultValue: 'S' },
    { id: 'new', description: '', required: false, options: [] },
  ]);
});
