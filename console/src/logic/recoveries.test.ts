// Recoveries in words.
import { expect, it } from 'vitest';
import type { Recovery } from '../api/recoveries';
import { draftOf, filterWords, fromJobSearch, progressWords } from './recoveries';

const now = Date.parse('2026-11-21T14:02:41Z');

it('asks for the jobs that are named, or for those that match', () => {
  expect(draftOf({ ids: 'a,b', webhook: 'W' }, now)).toMatchObject({
    mode: 'replay',
    ids: ['a', 'b'],
  });
  const draft = draftOf({ status: 'Failed,Cancelled', range: '60', rate: '5' }, now);
  expect(draft.ids).toBeUndefined();
  expect(draft.ratePerSecond).toBe(5);
  expect(draft.filter).toMatchObject({
    statuses: ['Failed', 'Cancelled'],
    from: '2026-11-21T13:02:00Z',
  });
});

it('does not ask for the status or class of jobs that never were', () => {
  const { filter } = draftOf({ mode: 'missing', status: 'Failed', class: 'timeout' }, now);
  expect(filter?.statuses).toBeUndefined();
  expect(filter?.errorClass).toBeUndefined();
});

it('takes over what a search shows', () => {
  expect(fromJobSearch({ tab: 'failed', webhook: 'W' }, 'replay')).toMatchObject({
    mode: 'replay',
    status: 'Failed',
    webhook: 'W',
  });
});

const recovery = (more: Partial<Recovery>): Recovery => ({
  id: '1',
  mode: 'replay',
  filter: {},
  status: 'Running',
  total: 1200,
  isTotalExact: true,
  done: 340,
  skipped: 0,
  failed: 3,
  createdAt: '',
  ...more,
});

it('says how far it is and how long it takes', () => {
  expect(progressWords(recovery({ ratePerSecond: 2 }))).toBe(
    '340 of 1,200 jobs sent again, 3 failed; some 7 min 8 s to go.',
  );
  expect(progressWords(recovery({ status: 'Complete', done: 1200, failed: 0 }))).toBe(
    '1,200 of 1,200 jobs sent again.',
  );
  const missing = { mode: 'missing', total: 50, done: 2, failed: 0, isTotalExact: false } as const;
  expect(progressWords(recovery({ ...missing, status: 'Complete' }))).toBe(
    'at least 50 events to look at, 2 jobs sent.',
  );
});

it('says what it is about', () => {
  expect(filterWords({ statuses: ['Failed'], webhook: 'W', errorClass: 'timeout' })).toBe(
    'Failed · W · Timed out',
  );
  expect(filterWords({})).toBe('Everything');
});
