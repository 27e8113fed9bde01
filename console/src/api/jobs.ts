// Webhook jobs: each delivery of an event to a webhook.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, body, GET, PUT } from './client';
import type { components } from './schema';
import type { JobCounts, JobStatus, WebhookJob } from './types';

export interface JobFilter {
  status?: string;
  webhook?: string;
  kapp?: string;
  /** A part of the name, URL, summary or record. */
  q?: string;
  errorClass?: string;
  endpoint?: string;
  url?: string;
  id?: string;
  /** A part of what was sent or received, or of the summary. */
  text?: string;
  from?: string;
  to?: string;
}

/** How far a search went that no index answers. */
export type Looked = components['schemas']['Looked'];

interface ListPage {
  webhookJobs: WebhookJob[];
  nextPageToken?: string | null;
  looked?: Looked | null;
}

/** Text is looked for in the summary as well: that is what the list shows. */
const asked = (filter: Omit<JobFilter, 'kapp'>) =>
  filter.text ? { ...filter, includeSummary: 'true' } : filter;

function list({ kapp, ...filter }: JobFilter, limit: number, pageToken?: string) {
  const page = { include: 'details,summary', limit, pageToken: pageToken || undefined };
  const query = { ...asked(filter), ...page };
  return answer<ListPage>(
    kapp
      ? GET('/app/api/v1/kapps/{kapp}/webhookJobs', { params: { path: { kapp }, query } })
      : GET('/app/api/v1/webhookJobs', { params: { query: { ...query, all: 'true' } } }),
  );
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

/** How many jobs there are by status, for the same filter. */
export const jobCounts = (filter: Omit<JobFilter, 'status' | 'kapp'>) =>
  queryOptions({
    queryKey: ['jobs', 'counts', filter],
    queryFn: async () =>
      (
        await answer<{ counts: JobCounts }>(
          GET('/app/api/v1/webhookJobs/counts', {
            params: { query: { ...asked(filter), all: 'true' } },
          }),
        )
      ).counts,
    placeholderData: keepPreviousData,
  });

export const job = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'one', id],
    queryFn: async () =>
      (
        await answer<{ webhookJob: WebhookJob }>(
          GET('/app/api/v1/webhookJobs/{id}', {
            params: {
              path: { id },
              query: { include: 'details,attempts,event,run,request,timeline,signature' },
            },
          }),
        )
      ).webhookJob,
  });

export const setStatus = async (id: string, status: JobStatus) =>
  (
    await answer<{ webhookJob: WebhookJob }>(
      PUT('/app/api/v1/webhookJobs/{id}', { params: { path: { id } }, body: body({ status }) }),
    )
  ).webhookJob;
