// Approvals: what waits for a decision, over all kapps.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, GET } from './client';
import type { Submission } from './types';

/** Whose approvals: one's own and one's teams', or everybody's, for administrators. */
export type ApprovalScope = 'mine' | 'all';

interface ListPage {
  submissions: Submission[];
  nextPageToken?: string | null;
  count?: number;
}

interface ListQuery {
  scope: ApprovalScope;
  coreState?: string;
  limit: number;
  pageToken?: string;
  count?: boolean;
}

const list = (query: ListQuery) =>
  answer<ListPage>(
    GET('/app/api/v1/approvals', {
      params: { query: { include: 'details,values,form,form.kapp', ...query } },
    }),
  );

export const approvals = (scope: ApprovalScope, coreState?: string) =>
  infiniteQueryOptions({
    queryKey: ['submissions', 'approvals', scope, coreState ?? ''],
    queryFn: ({ pageParam }) =>
      list({ scope, coreState, limit: 50, count: true, pageToken: pageParam || undefined }),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
  });

/** How many approvals wait for whoever is signed in; the server counts to a thousand. */
export const approvalCount = queryOptions({
  queryKey: ['submissions', 'approvals', 'count'],
  queryFn: async () => (await list({ scope: 'mine', limit: 1, count: true })).count ?? 0,
});

/** The newest open approvals, for the palette. */
export const newestApprovals = (scope: ApprovalScope) =>
  queryOptions({
    queryKey: ['submissions', 'approvals', 'newest', scope],
    queryFn: async () => (await list({ scope, limit: 50 })).submissions,
  });
