// Ranges of time.
import { expect, it } from 'vitest';
import { fromField, instants, rangeWords, toField } from './range';

const now = Date.parse('2026-11-21T14:02:41Z');

it('counts back from the full minute', () => {
  expect(instants({ range: '60' }, now)).toEqual({ from: '2026-11-21T13:02:00Z' });
  expect(instants({}, now)).toEqual({});
});

it('takes fixed instants over a preset', () => {
  const fixed = { range: '60', from: '2026-11-01T00:00:00Z' };
  expect(instants(fixed, now)).toEqual({ from: '2026-11-01T00:00:00Z', to: undefined });
});

it('says what it covers', () => {
  expect(rangeWords({}, true)).toBe('Any time');
  expect(rangeWords({ range: '1440' }, true)).toBe('Last 24 hours');
  expect(rangeWords({ from: '2026-11-01T00:00:00Z' }, true)).toBe('Since 2026-11-01 00:00 UTC');
});

it('gives a field back what it was given, in either zone', () => {
  const at = '2026-11-21T14:02:00Z';
  expect(toField(at, true)).toBe('2026-11-21T14:02');
  for (const inUtc of [true, false]) expect(fromField(toField(at, inUtc), inUtc)).toBe(at);
  expect(fromField('', true)).toBeUndefined();
  expect(toField('nonsense', true)).toBe('');
});
