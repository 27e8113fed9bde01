// A job's timeline in words.
import { expect, it } from 'vitest';
import { momentState } from './timeline';

const at = '2026-11-21T14:00:00Z';

it('tells a job that is held from one that waits its turn', () => {
  const held = { at, state: 'Queued', reason: 'held: breaker open until 14:02:11' };
  expect(momentState(held)).toEqual({ word: 'Held', tone: 'warn' });
  expect(momentState({ at, state: 'Queued', reason: 'event' }).word).toBe('Queued');
});
