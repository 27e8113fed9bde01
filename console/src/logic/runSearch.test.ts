// The search over runs: address to question.
import { expect, it } from 'vitest';
import { isNarrowed, runFilter } from './runSearch';

const NOW = Date.parse('2026-03-01T12:00:30Z');

it('asks for what the address holds', () => {
  expect(runFilter({ status: 'Error', tree: 'A :: B :: C', sourceId: ' x ' }, NOW)).toMatchObject({
    status: 'Error',
    tree: 'A :: B :: C',
    sourceId: 'x',
  });
  expect(runFilter({ range: '60' }, NOW).start).toBe('2026-03-01T11:00:00Z');
  expect(runFilter({ number: '#12' }, NOW).id).toBe('12');
  expect(runFilter({ number: 'twelve' }, NOW).id).toBe('0');
  expect(runFilter({}, NOW).id).toBeUndefined();
});

it('knows whether anything but the state narrows', () => {
  expect(isNarrowed({ status: 'Error', tz: 'utc' })).toBe(false);
  expect(isNarrowed({ number: '1' })).toBe(true);
});
