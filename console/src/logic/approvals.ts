// Approvals in words: what is asked for, and of whom.
import type { Submission } from '../api/types';
import { inline } from './text';

/** By convention a workflow that waits for a form leaves its token in a field of this name. */
const TOKEN_FIELD = 'Deferral Token';
const INDIVIDUAL = 'Assigned Individual';
const TEAM = 'Assigned Team';
const SILENT = [TOKEN_FIELD, INDIVIDUAL, TEAM];

/** The label when it says something, else the first value that a person can read. */
export function titleOfApproval({ id, label, handle, values }: Submission): string {
  if (label && label !== id) return label;
  for (const [name, value] of Object.entries(values ?? {})) {
    const text = SILENT.includes(name) ? '' : inline(value);
    if (text) return text;
  }
  return handle ?? id;
}

/** Whom it waits for; a user comes before a team, as whoever is named acts first. */
export function assigneeOf({ values }: Submission): string | undefined {
  return inline(values?.[INDIVIDUAL]) || inline(values?.[TEAM]) || undefined;
}
