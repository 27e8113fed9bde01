// Webhook jobs: each delivery of an event to a webhook.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { CORE, http, seg } from './http';
import type { JobStatus, WebhookJob } from './types';

export interface JobFilter {
  status?: string;
  webhook?: string;
  kapp?: string;
  start?: string;
  end?: string;
  parentType?: string;
  parentKey?: string;
}

interface ListPage {
  webhookJobs: WebhookJob[];
  nextPageToken?: string | null;
}

function list({ kapp, ...filter }: JobFilter, limit: number, pageToken?: string) {
  const path = kapp ? `${CORE}/kapps/${seg(kapp)}/webhookJobs` : `${CORE}/webhookJobs`;
  return http.get<ListPage>(path, {
    ...filter,
    all: kapp ? undefined : true,
    include: 'details',
    limit,
    pageToken,
  });
}

/**
 * The pages a person is looking at. Not refreshed by themselves, so that rows keep their place;
 * the queue is, because it is about what moves.
 */
export const jobs = (filter: JobFilter) =>
  infiniteQueryOptions({
    queryKey: [filter.status === 'Queued' ? 'jobs' : 'still', 'jobs', filter],
    refetchOnMount: 'always' as const,
    refetchOnWindowFocus: false,
    queryFn: ({ pageParam }) => list(filter, 50, pageParam),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
  });

/** The newest jobs, refreshed live. */
export const newestJobs = (filter: JobFilter, limit = 50) =>
  queryOptions({
    queryKey: ['jobs', 'newest', filter, limit],
    queryFn: async () => (await list(filter, limit)).webhookJobs,
  });

export const job = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'one', id],
    queryFn: async () =>
      (
        await http.get<{ webhookJob: WebhookJob }>(`${CORE}/webhookJobs/${seg(id)}`, {
          include: 'details,attempts,event,run,request',
        })
      ).webhookJob,
  });

export const setStatus = async (id: string, status: JobStatus) =>
  (await http.put<{ webhookJob: WebhookJob }>(`${CORE}/webhookJobs/${seg(id)}`, { status }))
    .webhookJob;
