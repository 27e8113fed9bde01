// What waits for a person: drafts of the forms that carry a deferral token.
import { useQueries, useQuery } from '@tanstack/react-query';
import { forms, kapps } from '../../api/forms';
import { drafts } from '../../api/submissions';
import type { Form, Submission } from '../../api/types';
import { fieldsOf } from '../../logic/forms';

/** By convention a workflow that waits for a form leaves its token in a field of this name. */
export const TOKEN_FIELD = 'Deferral Token';

export interface Approval {
  kapp: string;
  form: Form;
  submission: Submission;
  token: string | undefined;
}

export const carriesToken = (form: Form): boolean =>
  (form.pages ?? []).some((page) =>
    fieldsOf(page.elements, true).some((field) => field.name === TOKEN_FIELD),
  );

/** The open approvals, newest first, and whether all of them have been read. */
export function useApprovals(): { approvals: Approval[]; settled: boolean; error: unknown } {
  const known = useQuery(kapps);
  const slugs = (known.data ?? []).map((kapp) => kapp.slug);
  const formLists = useQueries({ queries: slugs.map((slug) => forms(slug)) });
  const carriers = formLists.flatMap((list, index) =>
    (list.data ?? []).filter(carriesToken).map((form) => ({ kapp: slugs[index]!, form })),
  );
  const lists = useQueries({ queries: carriers.map(({ kapp, form }) => drafts(kapp, form.slug)) });
  const approvals = lists.flatMap((list, index) =>
    (list.data ?? []).map((submission) => ({
      ...carriers[index]!,
      submission,
      token: submission.values?.[TOKEN_FIELD] as string | undefined,
    })),
  );
  approvals.sort((a, b) =>
    (b.submission.createdAt ?? '').localeCompare(a.submission.createdAt ?? ''),
  );
  const all = [known, ...formLists, ...lists];
  return {
    approvals,
    settled: all.every((query) => !query.isPending),
    error: all.find((query) => query.error)?.error,
  };
}

export const useOpenApprovals = (): Approval[] => useApprovals().approvals;
