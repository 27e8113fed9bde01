// Runs of trees: lists, one run with all there is to see of it, and what a person does to it.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, body, GET, POST } from './client';
import { PASSING } from '../logic/runSearch';
import type { Run } from './types';

export interface RunFilter {
  status?: string;
  /** A tree's title. */
  tree?: string;
  sourceId?: string;
  /** A run's number. */
  id?: string;
  /** From this instant on. */
  start?: string;
  /** Before this instant. */
  end?: string;
}

const PAGE = 50;
/** How often the counts beside the states are asked for: counting costs more than a page. */
const COUNTS_MS = 5_000;

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

const queryOf = ({ tree, id, ...filter }: RunFilter) => ({
  ...filter,
  ...treeParts(tree),
  id: id ? Number(id) : undefined,
});

function list(filter: RunFilter, limit: number, offset = 0) {
  const query = { ...queryOf(filter), include: 'details', count: false, limit, offset };
  return answer<ListPage>(GET('/app/api/v2/runs', { params: { query } }));
}

export const runs = (filter: RunFilter) =>
  infiniteQueryOptions({
    // Runs leave these states: such a list shows who is there now. All others stand still.
    queryKey: [PASSING.includes(filter.status ?? '') ? 'runs' : 'still', 'runs', filter],
    refetchOnMount: 'always' as const,
    refetchOnWindowFocus: false,
    queryFn: ({ pageParam }) => list(filter, PAGE, pageParam),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => (last.more ? pages.length * PAGE : undefined),
    placeholderData: keepPreviousData,
  });

/** The newest runs of a filter, kept up to date while the list beside them stands still. */
export const newestRuns = (filter: RunFilter) =>
  queryOptions({
    queryKey: ['runs', 'newest', filter],
    queryFn: async () => (await list(filter, PAGE)).runs,
    placeholderData: keepPreviousData,
  });

/** How many runs there are in a state. */
export const runCount = (filter: RunFilter) =>
  queryOptions({
    queryKey: ['run-counts', filter],
    queryFn: async () => {
      const query = { ...queryOf(filter), count: true };
      const call = GET('/app/api/v2/runs', { params: { query } });
      return (await answer<{ count: number }>(call)).count;
    },
    refetchInterval: COUNTS_MS,
    placeholderData: keepPreviousData,
  });

export const runsOf = (filter: RunFilter, limit = 10) =>
  queryOptions({
    queryKey: ['runs', 'few', filter, limit],
    queryFn: async () => (await list(filter, limit)).runs,
  });

const WHOLE = 'details,view,sourceData,inputs,outputs,parent,children';

export const run = (id: string) =>
  queryOptions({
    queryKey: ['runs', 'one', id],
    queryFn: () =>
      answer<Run>(
        GET('/app/api/v2/runs/{id}', {
          params: { path: { id: Number(id) }, query: { include: WHOLE } },
        }),
      ),
  });

export interface RunAction {
  action: 'Resume' | 'Run Again' | 'Cancel' | 'Skip Task' | 'Cancel Branch';
  taskSeq?: number;
  note?: string;
}

export const actOnRun = (id: number | string, action: RunAction) =>
  answer<{ message: string; runId?: string }>(
    POST('/app/api/v2/runs/{id}/actions', {
      params: { path: { id: Number(id) } },
      body: body(action),
    }),
  );

/** Starts a node by hand, on a branch of its own. */
export const startNode = (id: number | string, nodeId: string) =>
  answer<{ message: string }>(
    POST('/app/api/v2/runs/{id}/triggers', {
      params: { path: { id: Number(id) } },
      body: body({ nodeId }),
    }),
  );

/** Completes a task that waits for an answer, in the place of whoever was asked. */
export const completeTask = (token: string, results: Record<string, string>, message: string) =>
  answer<{ message: string }>(
    POST('/app/api/v2/runs/task/{token}', {
      params: { path: { token } },
      body: body({ results, message }),
    }),
  );
