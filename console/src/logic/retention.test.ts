// What purging would let go, in words.
import { expect, test } from 'vitest';
import type { RetentionPreview } from '../api/retention';
import { wouldGo } from './retention';

const none = { count: 0, isExact: true };
const nothing: RetentionPreview = {
  events: none,
  jobs: none,
  runs: none,
  eventPayloads: none,
  jobPayloads: none,
  isShorter: false,
};

test('says what would go', () => {
  expect(wouldGo(nothing)).toBe('Nothing would go now.');
  const events = { count: 1, isExact: true };
  const jobs = { count: 20_000, isExact: false };
  expect(wouldGo({ ...nothing, events })).toBe('1 event would go now.');
  expect(wouldGo({ ...nothing, events, jobs, jobPayloads: events })).toBe(
    '1 event and at least 20,000 jobs would go now. The contents of 1 job would go; the rows stay.',
  );
  const all = { ...nothing, events, jobs: events, runs: events };
  expect(wouldGo(all)).toBe('1 event, 1 job and 1 run would go now.');
  expect(wouldGo({ ...nothing, runs: { count: 0, isExact: false } })).toBe(
    'at least 0 runs would go now.',
  );
});
