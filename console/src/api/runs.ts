// Runs of trees, and the errors that hold them up.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, GET, POST } from './client';
import type { Run, TaskError } from './types';

export interface RunFilter {
  status?: string;
  /** A tree's title. */
  tree?: string;
  sourceId?: string;
}

const PAGE = 50;
/** Errors carry their run's tree, which costs the server a look each. */
const ERRORS_MAX = 100;

interface ListPage {
  runs: Run[];
  more?: boolean;
}

/** The parts of a title that the list is asked for; a routine has its name alone. */
export function treeParts(title: string | undefined) {
  const parts = title?.split(' :: ') ?? [];
  if (parts.length < 3) return { tree: title };
  return { source: parts[0], group: parts.slice(1, -1).join(' :: '), tree: parts.at(-1) };
}

function list({ tree, ...filter }: RunFilter, limit: number, offset = 0) {
  const query = { ...filter, ...treeParts(tree), include: 'details', count: false, limit, offset };
  return answer<ListPage>(GET('/app/api/v2/runs', { params: { query } }));
}

export const runs = (filter: RunFilter) =>
  infiniteQueryOptions({
    queryKey: ['runs', 'list', filter],
    queryFn: ({ pageParam }) => list(filter, PAGE, pageParam),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => (last.more ? pages.length * PAGE : undefined),
    placeholderData: keepPreviousData,
  });

export const runsOf = (filter: RunFilter, limit = 10) =>
  queryOptions({
    queryKey: ['runs', 'few', filter, limit],
    queryFn: async () => (await list(filter, limit)).runs,
  });

export const run = (id: string) =>
  queryOptions({
    queryKey: ['runs', 'one', id],
    queryFn: () =>
      answer<Run>(
        GET('/app/api/v2/runs/{id}', {
          params: { path: { id: Number(id) }, query: { include: 'details,view,sourceData' } },
        }),
      ),
  });

const errorList = (filter: { status?: string; runId?: number; include?: string }) =>
  answer<{ errors: TaskError[] }>(
    GET('/app/api/v2/errors', { params: { query: { ...filter, limit: ERRORS_MAX } } }),
  );

export const errors = (status: string) =>
  queryOptions({
    queryKey: ['errors', 'list', status],
    queryFn: async () => (await errorList({ status, include: 'run' })).errors,
    placeholderData: keepPreviousData,
  });

/** The open errors of a run. */
export const errorsOf = (runId: number) =>
  queryOptions({
    queryKey: ['errors', 'of', runId],
    queryFn: async () => (await errorList({ status: 'Active', runId })).errors,
    placeholderData: keepPreviousData,
  });

export const resolveErrors = (ids: (number | string)[], action: string, resolution: string) =>
  answer<{ message?: string }>(
    POST('/app/api/v2/errors/resolve', { body: { ids: ids.map(Number), action, resolution } }),
  );
