// Runs of trees, and the errors that hold them up.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { TASK, http, seg } from './http';
import type { Run, TaskError } from './types';

export interface RunFilter {
  status?: string;
  tree?: string;
  source?: string;
  group?: string;
  sourceId?: string;
}

const PAGE = 50;

interface ListPage {
  runs: Run[];
  count?: number;
  offset?: number;
}

export const runs = (filter: RunFilter) =>
  infiniteQueryOptions({
    queryKey: ['runs', 'list', filter],
    queryFn: ({ pageParam }) =>
      http.get<ListPage>(`${TASK}/runs`, {
        ...filter,
        include: 'details',
        limit: PAGE,
        offset: pageParam,
      }),
    initialPageParam: 0,
    getNextPageParam: (last, pages) =>
      last.runs.length === PAGE ? pages.length * PAGE : undefined,
    placeholderData: keepPreviousData,
  });

export const runsOf = (filter: RunFilter, limit = 10) =>
  queryOptions({
    queryKey: ['runs', 'few', filter, limit],
    queryFn: async () =>
      (await http.get<ListPage>(`${TASK}/runs`, { ...filter, include: 'details', limit })).runs,
  });

export const run = (id: string) =>
  queryOptions({
    queryKey: ['runs', 'one', id],
    queryFn: async () => {
      const body = await http.get<Run | { run: Run }>(`${TASK}/runs/${seg(id)}`, {
        include: 'details,view,sourceData',
      });
      return 'run' in body ? body.run : body;
    },
  });

export const errors = (filter: { status?: string; run?: string } = {}) =>
  queryOptions({
    queryKey: ['errors', filter],
    queryFn: async () =>
      (
        await http.get<{ errors: TaskError[] }>(`${TASK}/errors`, {
          ...filter,
          include: 'details,run',
          limit: 200,
        })
      ).errors,
    placeholderData: keepPreviousData,
  });

export const resolveErrors = (ids: (number | string)[], action: string, resolution: string) =>
  http.post<{ message?: string }>(`${TASK}/errors/resolve`, {
    ids: ids.map(Number),
    action,
    resolution,
  });
