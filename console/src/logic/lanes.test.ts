// Lanes in words.
import { expect, it } from 'vitest';
import { canResume, laneReason, laneState } from './lanes';

it('says why and until when, once', () => {
  const until = '2026-11-21T14:02:11Z';
  expect(laneReason({ reason: '10 failures in a row', until })).toMatch(/^10 failures .*, until /);
  expect(laneReason({ reason: 'held until 14:02:11', until })).toBe('held until 14:02:11');
  expect(laneReason({})).toBe('');
});

it('has a word for a state it does not know', () => {
  expect(laneState('breaker_open').word).toBe('Held');
  expect(laneState('warming_up').word).toBe('warming up');
});

it('offers to let through what is held by itself, not what a person paused', () => {
  expect(canResume({ state: 'breaker_open' })).toBe(true);
  expect(canResume({ state: 'paused' })).toBe(false);
});
