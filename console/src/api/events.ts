// What happened: events and their traces.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, GET } from './client';
import type { EventDetail, EventSummary } from './types';

export interface EventFilter {
  type?: string;
  event?: string;
  kapp?: string;
  parentType?: string;
  parentKey?: string;
  q?: string;
}

interface ListPage {
  events: EventSummary[];
  nextPageToken?: string | null;
}

const list = (filter: EventFilter, limit: number, pageToken?: string) =>
  answer<ListPage>(
    GET('/app/api/v1/events', {
      params: { query: { ...filter, limit, pageToken: pageToken || undefined } },
    }),
  );

/** The pages a person is looking at: not refreshed by themselves, so that rows keep their place. */
export const events = (filter: EventFilter) =>
  infiniteQueryOptions({
    queryKey: ['still', 'events', filter],
    refetchOnMount: 'always' as const,
    refetchOnWindowFocus: false,
    queryFn: ({ pageParam }) => list(filter, 50, pageParam),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
  });

/** The newest events, refreshed live. */
export const newestEvents = (filter: EventFilter, limit = 50) =>
  queryOptions({
    queryKey: ['events', 'newest', filter, limit],
    queryFn: async () => (await list(filter, limit)).events,
  });

export const event = (id: string) =>
  queryOptions({
    queryKey: ['events', 'one', id],
    queryFn: async () =>
      (
        await answer<{ event: EventDetail }>(
          GET('/app/api/v1/events/{id}', { params: { path: { id } } }),
        )
      ).event,
  });
