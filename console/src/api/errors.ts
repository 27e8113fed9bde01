// Errors that hold up runs, one by one, by cause, and decisions about many of them.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, body, GET, POST } from './client';
import { treeParts } from './runs';
import type { TaskError } from './types';

export interface ErrorFilter {
  /** The documented type. */
  type?: string;
  /** Exactly what the errors say in one line. */
  summary?: string;
  /** A tree's title. */
  tree?: string;
  start?: string;
}

/** Errors of one cause at one node of one tree. */
export interface ErrorGroup {
  type: string;
  summary: string;
  nodeId?: string | null;
  treeId: string;
  tree: string;
  count: number;
  firstAt: string;
  lastAt: string;
  lastErrorId: number;
  actions: string[];
}

/** Errors carry their run's tree, which costs the server a look each. */
const PAGE = 50;
const ERRORS_OF_RUN_MAX = 100;

interface ListPage {
  errors: TaskError[];
  count: number;
  more: boolean;
}

const queryOf = ({ tree, ...filter }: ErrorFilter) => ({ ...filter, ...treeParts(tree) });

export const errorGroups = (filter: ErrorFilter = {}) =>
  queryOptions({
    queryKey: ['errors', 'groups', filter],
    queryFn: async () =>
      (
        await answer<{ groups: ErrorGroup[] }>(
          GET('/app/api/v2/errors/groups', { params: { query: queryOf(filter) } }),
        )
      ).groups,
    placeholderData: keepPreviousData,
  });

export const errors = (status: string, filter: ErrorFilter = {}) =>
  infiniteQueryOptions({
    queryKey: ['errors', 'list', status, filter],
    queryFn: ({ pageParam }) =>
      answer<ListPage>(
        GET('/app/api/v2/errors', {
          params: {
            query: {
              ...queryOf(filter),
              status,
              include: 'run',
              limit: PAGE,
              beforeId: pageParam || undefined,
            },
          },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (last) => (last.more ? Number(last.errors.at(-1)?.id) : undefined),
    placeholderData: keepPreviousData,
  });

/** The open errors of a run. */
export const errorsOf = (runId: number) =>
  queryOptions({
    queryKey: ['errors', 'of', runId],
    queryFn: async () => {
      const query = { status: 'Active', runId, limit: ERRORS_OF_RUN_MAX };
      return (await answer<ListPage>(GET('/app/api/v2/errors', { params: { query } }))).errors;
    },
    placeholderData: keepPreviousData,
  });

export interface Decision {
  action: string;
  /** The note. */
  resolution: string;
  /** For Retry Task: parameters by name, instead of what they evaluate to. */
  inputs?: Record<string, string>;
}

export const resolveErrors = (ids: (number | string)[], decision: Decision) =>
  answer<{ message?: string }>(
    POST('/app/api/v2/errors/resolve', { body: body({ ids: ids.map(Number), ...decision }) }),
  );

/* Decisions about many errors, as jobs with progress. */

export interface Resolution {
  id: string;
  status: 'Running' | 'Paused' | 'Complete' | 'Cancelled';
  /** Which errors it is about, as the server keeps it. */
  filter?: { kind?: string | null; summary?: string | null } | null;
  action: string;
  resolution?: string | null;
  total: number;
  done: number;
  refused: number;
  message?: string | null;
  ratePerSecond: number;
  createdAt: string;
  createdBy: string;
  updatedAt: string;
  finishedAt?: string | null;
}

/** Which errors a bulk decision is about: a filter, ids, or the ids within the filter. */
export interface Which {
  filter?: ErrorFilter;
  ids?: number[];
}

/** How often a resolution that moves is looked at. */
const MOVING_MS = 1_000;

export const isMoving = (one: Resolution | undefined) =>
  one?.status === 'Running' || one?.status === 'Paused';

export const resolutions = queryOptions({
  queryKey: ['errors', 'resolutions'],
  queryFn: async () =>
    (await answer<{ resolutions: Resolution[] }>(GET('/app/api/v2/resolutions'))).resolutions,
  refetchInterval: ({ state }) =>
    state.data?.some((one) => one.status === 'Running') ? MOVING_MS : false,
});

export const resolution = (id: string) =>
  queryOptions({
    queryKey: ['errors', 'resolution', id],
    queryFn: () =>
      answer<Resolution>(GET('/app/api/v2/resolutions/{id}', { params: { path: { id } } })),
    refetchInterval: ({ state }) => (state.data?.status === 'Running' ? MOVING_MS : false),
  });

export const beginResolution = (which: Which, decision: Decision, ratePerSecond: number) => {
  const filter = which.filter && queryOf(which.filter);
  return answer<Resolution>(
    POST('/app/api/v2/resolutions', {
      body: body({ ...which, filter, ...decision, ratePerSecond }),
    }),
  );
};

export type Steering = 'pause' | 'resume' | 'cancel';

export const steerResolution = (id: string, action: Steering) =>
  answer<Resolution>(
    POST('/app/api/v2/resolutions/{id}/actions', {
      params: { path: { id } },
      body: { action },
    }),
  );
