// Approvals in words.
import { expect, it } from 'vitest';
import type { Submission } from '../api/types';
import { assigneeOf, titleOfApproval } from './approvals';

const approval = (change: Partial<Submission>): Submission => ({
  ...{ id: 'the-id', handle: 'AB12CD', coreState: 'Draft' as const },
  ...change,
});

it('is called by its label, else by the first value that a person can read', () => {
  expect(titleOfApproval(approval({ label: 'Approve a dock' }))).toBe('Approve a dock');
  const values = { 'Deferral Token': 'x', 'Assigned Team': 'IT', Request: 'A dock' };
  expect(titleOfApproval(approval({ label: 'the-id', values }))).toBe('A dock');
  expect(titleOfApproval(approval({ values: { 'Deferral Token': 'x' } }))).toBe('AB12CD');
});

it('names whom it waits for', () => {
  expect(assigneeOf(approval({ values: { 'Assigned Team': 'IT' } }))).toBe('IT');
  const both = { 'Assigned Team': 'IT', 'Assigned Individual': 'ann' };
  expect(assigneeOf(approval({ values: both }))).toBe('ann');
  expect(assigneeOf(approval({}))).toBeUndefined();
});
