// Lanes: one per endpoint, with its state and its figures.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, GET, POST } from './client';

export interface Lane {
  id: string;
  endpoint: string;
  /** None for jobs that were made by hand. */
  webhook?: string | null;
  webhookId?: string | null;
  kappSlug?: string | null;
  state: string;
  reason?: string | null;
  until?: string | null;
  waiting: number;
  running: number;
  concurrency: number;
  ratePerSecond?: number | null;
  latencyMs?: { p50?: number | null; p99?: number | null } | null;
  oldestWaitingAt?: string | null;
  delivered: number;
  failed: number;
  lastError?: string | null;
  lastErrorAt?: string | null;
  node?: string | null;
}

export interface LaneFilter {
  webhook?: string;
  state?: string;
  q?: string;
}

interface LanePage {
  lanes: Lane[];
  nextPageToken?: string | null;
}

/** Figures move by themselves, without a change that the stream would tell. */
const REFRESH_MS = 5000;

export const lanes = (filter: LaneFilter) =>
  infiniteQueryOptions({
    queryKey: ['lanes', filter],
    queryFn: ({ pageParam }) =>
      answer<LanePage>(
        GET('/app/api/v1/lanes', {
          params: { query: { ...filter, limit: 100, pageToken: pageParam || undefined } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });

export type LaneAction = 'resume' | 'probe';

export const actOnLane = (id: string, action: LaneAction) =>
  answer<unknown>(
    POST('/app/api/v1/lanes/{id}/actions', { params: { path: { id } }, body: { action } }),
  );

const HELD = ['breaker_open', 'retry_after', 'paused'];

/** The lanes that hold jobs back, for Home. */
export const heldLanes = queryOptions({
  queryKey: ['lanes', 'held'],
  queryFn: async () => {
    const pages = await Promise.all(
      HELD.map((state) =>
        answer<LanePage>(GET('/app/api/v1/lanes', { params: { query: { state, limit: 20 } } })),
      ),
    );
    return pages.flatMap((page) => page.lanes);
  },
  refetchInterval: 15_000,
});
