// Spans of time as text.
import { expect, it } from 'vitest';
import { formatSpan, parseSpan } from './spans';

it('reads what it writes', () => {
  for (const ms of [0, 250, 5000, 150_000, 8 * 3_600_000, 216_000_000])
    expect(parseSpan(formatSpan(ms))).toBe(ms);
});

it('takes the words people use, and a bare number as seconds', () => {
  expect(parseSpan('30')).toBe(30_000);
  expect(parseSpan('1.5h')).toBe(5_400_000);
  expect(parseSpan('2 days 12 hours')).toBe(216_000_000);
  expect(parseSpan('5m')).toBe(300_000);
});

it('refuses what is no span', () => {
  for (const text of ['', 'soon', '5 fortnights', '-5 s', '5 s!']) {
    expect(parseSpan(text)).toBeUndefined();
  }
});
