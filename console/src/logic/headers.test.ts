// Headers as text.
import { expect, it } from 'vitest';
import { formatHeaders, parseHeaders } from './headers';

it('reads what it writes, values with colons included', () => {
  const headers = [
    { name: 'Retry-After', value: '30' },
    { name: 'Location', value: 'https://a.example/x' },
  ];
  expect(parseHeaders(formatHeaders(headers))).toEqual(headers);
});

it('forgives empty lines and keeps a line that lacks a value', () => {
  expect(parseHeaders('\nA:1\n\nbroken\n')).toEqual([
    { name: 'A', value: '1' },
    { name: 'broken', value: '' },
  ]);
});
