// Delivery policies in words.
import { expect, it } from 'vitest';
import type { Policy } from '../api/delivery';
import { merged, scheduleWords, waits } from './policy';

const policy: Policy = {
  attempts: 12,
  firstWaitMs: 5000,
  factor: 5,
  maxWaitMs: 28_800_000,
  jitter: 0.2,
  giveUpAfterMs: 432_000_000,
  classes: {},
  breaker: { failures: 10, openMs: 30_000, maxOpenMs: 600_000 },
  concurrency: 10,
};

it('grows the waits to their cap and stops after the attempts', () => {
  const all = waits(policy);
  expect(all).toHaveLength(11);
  expect(all.slice(0, 3)).toEqual([5000, 25_000, 125_000]);
  expect(all.at(-1)).toBe(policy.maxWaitMs);
});

it('stops at the age limit', () => {
  expect(waits({ ...policy, giveUpAfterMs: 40_000 })).toEqual([5000, 25_000]);
});

it('says what it means', () => {
  const short = { ...policy, attempts: 3, factor: 2 };
  expect(scheduleWords(short)).toBe('3 attempts within 15 s: again after 5 s, 10 s.');
  expect(scheduleWords({ ...policy, attempts: 1 })).toBe('One attempt; a failure is final.');
});

it('lets a webhook override some of it', () => {
  const space = { ...policy, classes: { http_4xx: 'fail', dns: 'retry' } } as Policy;
  const own = merged(space, { attempts: 2, classes: { dns: 'fail' }, concurrency: undefined });
  expect(own.attempts).toBe(2);
  expect(own.concurrency).toBe(10);
  expect(own.classes).toEqual({ http_4xx: 'fail', dns: 'fail' });
});
