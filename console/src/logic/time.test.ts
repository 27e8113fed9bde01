// Relative and exact times.
import { clock, utc } from './time';
import { describe, expect, it } from 'vitest';
import { between, duration, relative } from './time';

const NOW = Date.parse('2026-06-15T12:00:00Z');
const ago = (ms: number) => new Date(NOW - ms).toISOString();

describe('relative', () => {
  it.each([
    [0, 'just now'],
    [4_000, 'just now'],
    [42_000, '42 s ago'],
    [4 * 60_000, '4 min ago'],
    [3 * 3_600_000, '3 h ago'],
    [30 * 3_600_000, 'yesterday'],
    [3 * 86_400_000, '3 days ago'],
    [-20_000, 'in 20 s'],
    [-90 * 60_000, 'in 1 h'],
    [-40 * 3_600_000, 'in 2 days'],
  ])('%d ms ago is "%s"', (ms, expected) => {
    expect(relative(ago(ms), NOW)).toBe(expected);
  });

  it('names the day, and the year when it is another one', () => {
    expect(relative('2026-03-12T08:00:00Z', NOW)).toBe('12 Mar');
    expect(relative('2024-03-12T08:00:00Z', NOW)).toBe('12 Mar 2024');
  });

  it('has a dash for what is missing or unreadable', () => {
    expect(relative(null, NOW)).toBe('–');
    expect(relative('soon', NOW)).toBe('–');
  });
});

describe('duration', () => {
  it.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [3_240, '3.2 s'],
    [42_000, '42 s'],
    [250_000, '4 min 10 s'],
    [7_500_000, '2 h 5 min'],
    [86_400_000, '1 d'],
    [undefined, '–'],
  ])('%s is "%s"', (ms, expected) => expect(duration(ms)).toBe(expected));
});

it('measures between two times', () => {
  expect(between('2026-01-01T00:00:00Z', '2026-01-01T00:00:02.5Z')).toBe(2500);
  expect(between('2026-01-01T00:00:00Z', undefined)).toBeUndefined();
});

it('leaves the day out of a clock that shows today', () => {
  const now = new Date(2026, 10, 21, 15, 0, 0).getTime();
  const at = new Date(2026, 10, 21, 14, 2, 11);
  expect(clock(at.toISOString(), now)).toBe('14:02:11');
  expect(clock(new Date(2026, 10, 20, 14, 2, 11).toISOString(), now)).toBe('20 Nov, 14:02:11');
  expect(utc('2026-11-21T14:02:11.5Z')).toBe('2026-11-21 14:02:11 UTC');
  expect(clock(undefined)).toBe('–');
});
