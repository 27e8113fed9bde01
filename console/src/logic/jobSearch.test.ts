// The search over jobs.
import { expect, it } from 'vitest';
import { chips, filterOf, isNarrowed, viewName } from './jobSearch';

const now = Date.parse('2026-11-21T14:02:41Z');

it('asks for the tab’s status before the chosen one', () => {
  expect(filterOf({ tab: 'failed', status: 'Complete' }, now).status).toBe('Failed');
  expect(filterOf({ status: 'Complete' }, now).status).toBe('Complete');
  expect(filterOf({ tab: 'nonsense' }, now).status).toBeUndefined();
});

it('turns a range into instants', () => {
  expect(filterOf({ range: '60' }, now)).toMatchObject({ from: '2026-11-21T13:02:00Z' });
});

it('says what narrows the list and how to widen it', () => {
  const search = { class: 'timeout', endpoint: 'https://a.example', text: 'x' };
  expect(chips(search)).toEqual([
    { words: 'Timed out', without: { class: undefined } },
    { words: 'Endpoint https://a.example', without: { endpoint: undefined } },
  ]);
  expect(isNarrowed({ tab: 'failed', tz: 'utc' })).toBe(false);
  expect(isNarrowed(search)).toBe(true);
});

it('names a view by its filters', () => {
  expect(viewName({ tab: 'failed', webhook: 'Tell the door', range: '60' })).toBe(
    'Failed, Tell the door, Last hour',
  );
  expect(viewName({})).toBe('Every job');
});
