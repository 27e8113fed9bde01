// Jobs in words.
import { expect, it } from 'vitest';
import type { WebhookJob } from '../api/types';
import { answer, canRetry, eventName, phases, runIdOf, sentence } from './jobs';

const job = (more: Partial<WebhookJob>): WebhookJob => ({
  id: '1',
  name: 'N',
  type: 'User',
  event: 'Created',
  url: '/x',
  status: 'Complete',
  retryCount: 0,
  ...more,
});

it('finds the run in either kind of answer', () => {
  expect(runIdOf(job({ responseContent: '{"run":{"id":3}}' }))).toBe('3');
  expect(runIdOf(job({ responseContent: '{"runId":"1430"}' }))).toBe('1430');
  expect(runIdOf(job({ runId: 7 }))).toBe('7');
  expect(runIdOf(job({ responseContent: 'ok' }))).toBeUndefined();
});

it('says the answer', () => {
  expect(answer(job({ summary: '200 OK', runId: 9 }))).toBe('200 OK · run 9');
  expect(answer(job({ status: 'Queued' }))).toBe('Waits for its turn');
});

it('says what comes next', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const next = '2026-01-01T00:00:30Z';
  expect(sentence(job({ status: 'Queued' }), now)).toBe('Waits for its first attempt.');
  expect(
    sentence(job({ status: 'Queued', retryCount: 1, nextAttemptAt: next, summary: '503' }), now),
  ).toBe('The last attempt failed: 503. Next attempt in 30 s.');
  expect(sentence(job({ status: 'Failed', retryCount: 4, summary: '404 Not Found' }), now)).toBe(
    'Gave up after 5 attempts: 404 Not Found. Repair the cause, then retry.',
  );
});

it('splits an event that repeats its type', () => {
  expect(eventName('User', 'User Created')).toBe('Created');
  expect(eventName('User', 'Created')).toBe('Created');
});

it('offers a retry where one helps', () => {
  expect(canRetry(job({ status: 'Failed' }))).toBe(true);
  expect(canRetry(job({ status: 'Complete' }))).toBe(false);
});

it('gives the rest of an attempt’s time to reading', () => {
  const parts = phases({ number: 1, startedAt: '', durationMs: 50, dnsMs: 5, firstByteMs: 40 });
  expect(parts.map(({ name, ms }) => [name, ms])).toEqual([
    ['DNS', 5],
    ['Wait', 40],
    ['Read', 5],
  ]);
});
