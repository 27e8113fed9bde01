// The address bar as plain strings.
import { expect, it } from 'vitest';
import { only, parseSearch, stringifySearch } from './search';

it('keeps numbers as text and drops what is empty', () => {
  expect(parseSearch('?q=123&tab=failed')).toEqual({ q: '123', tab: 'failed' });
  expect(stringifySearch({ q: '123', tab: undefined, x: '' })).toBe('?q=123');
  expect(stringifySearch({})).toBe('');
});

it('survives the way there and back', () => {
  const search = { webhook: 'A & B = "c"', to: '/console/jobs?tab=failed' };
  expect(parseSearch(stringifySearch(search))).toEqual(search);
});

it('keeps the named parameters only', () => {
  expect(only('a', 'b')({ a: '1', b: '', c: '3' })).toEqual({ a: '1' });
});
