// Causes of errors, and bulk resolutions in words.
import { expect, it } from 'vitest';
import type { ErrorGroup, Resolution } from '../api/errors';
import { causesOf, failedAgain, resolutionWords } from './errors';

const group = (summary: string, tree: string, count: number, first: string, last: string) =>
  ({
    ...{ type: 'Handler Error', summary, treeId: tree, tree, count, lastErrorId: 1 },
    ...{ firstAt: first, lastAt: last, actions: ['Retry Task'] },
  }) as ErrorGroup;

it('joins what says the same, whichever tree it happened in', () => {
  const causes = causesOf([
    group('refused', 'A', 2, '2026-01-02', '2026-01-04'),
    group('late', 'A', 4, '2026-01-01', '2026-01-01'),
    group('refused', 'B', 3, '2026-01-01', '2026-01-03'),
  ]);
  expect(causes.map((one) => [one.summary, one.count, one.firstAt, one.lastAt])).toEqual([
    ['refused', 5, '2026-01-01', '2026-01-04'],
    ['late', 4, '2026-01-01', '2026-01-01'],
  ]);
  expect(causes[0]!.groups.map((one) => one.tree)).toEqual(['A', 'B']);
});

const resolution = (change: Partial<Resolution>): Resolution => ({
  ...{ id: 'r', status: 'Running' as const, action: 'Retry Task', total: 100, done: 0, refused: 0 },
  ...{ ratePerSecond: 10, createdAt: '', createdBy: '', updatedAt: '' },
  ...change,
});

it('tells how far a resolution is', () => {
  expect(resolutionWords(resolution({ done: 40 }))).toBe(
    '40 of 100 resolved · 6.0 s to go at 10 a second',
  );
  expect(resolutionWords(resolution({ done: 97, refused: 3, status: 'Complete' }))).toBe(
    '97 of 100 resolved · 3 were resolved by others or refused',
  );
  expect(resolutionWords(resolution({ done: 40, status: 'Cancelled' }))).toBe(
    '40 of 100 resolved · 60 left alone',
  );
});

it('tells whether they came back', () => {
  const one = resolution({ done: 5 });
  expect(failedAgain([], one)).toBe('None of them has failed again.');
  expect(failedAgain([group('refused', 'A', 2, '', '')], one)).toBe(
    '2 errors of the same kind have come up since.',
  );
  expect(failedAgain([], resolution({ done: 0 }))).toBe('');
});
