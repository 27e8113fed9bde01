// Recoveries: sending many jobs again, sending what is missing, or calling off what waits.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, body, GET, POST } from './client';
import type { WebhookJob } from './types';

export type Mode = 'replay' | 'missing' | 'cancel';

export interface RecoveryFilter {
  from?: string;
  to?: string;
  statuses?: string[];
  errorClass?: string;
  webhook?: string;
  kappSlug?: string;
  endpoint?: string;
  text?: string;
}

export interface NewRecovery {
  mode: Mode;
  filter?: RecoveryFilter;
  /** These jobs and no others. */
  ids?: string[];
  ratePerSecond?: number;
  note?: string;
}

export interface Preview {
  count: number;
  /** Whether counting went to the end. */
  isExact: boolean;
  byWebhook: { webhook: string; count: number }[];
  /** `none` stands for jobs without a failure. */
  byClass: { errorClass: string; count: number }[];
  sample: WebhookJob[];
}

export interface Recovery {
  id: string;
  mode: Mode;
  filter: RecoveryFilter;
  note?: string | null;
  status: 'Running' | 'Paused' | 'Complete' | 'Cancelled';
  /** How many jobs were named one by one, when they were. */
  ids?: number | null;
  total: number;
  /** Whether `total` is not "at least". */
  isTotalExact: boolean;
  done: number;
  skipped: number;
  failed: number;
  ratePerSecond?: number | null;
  createdAt: string;
  createdBy?: string | null;
  finishedAt?: string | null;
  message?: string | null;
}

interface RecoveryPage {
  recoveries: Recovery[];
  nextPageToken?: string | null;
}

export const recoveries = infiniteQueryOptions({
  queryKey: ['recoveries', 'list'],
  queryFn: ({ pageParam }) =>
    answer<RecoveryPage>(
      GET('/app/api/v1/recoveries', {
        params: { query: { limit: 50, pageToken: pageParam || undefined } },
      }),
    ),
  initialPageParam: '',
  getNextPageParam: (last) => last.nextPageToken || undefined,
});

export const recovery = (id: string) =>
  queryOptions({
    queryKey: ['recoveries', 'one', id],
    queryFn: async () =>
      (
        await answer<{ recovery: Recovery }>(
          GET('/app/api/v1/recoveries/{id}', { params: { path: { id } } }),
        )
      ).recovery,
  });

export const preview = (draft: NewRecovery) =>
  queryOptions({
    queryKey: ['still', 'recovery-preview', draft],
    queryFn: async () =>
      (
        await answer<{ preview: Preview }>(
          POST('/app/api/v1/recoveries/preview', { body: body(draft) }),
        )
      ).preview,
    retry: false,
    gcTime: 10_000,
    placeholderData: keepPreviousData,
  });

export const startRecovery = async (draft: NewRecovery) =>
  (await answer<{ recovery: Recovery }>(POST('/app/api/v1/recoveries', { body: body(draft) })))
    .recovery;

export type RecoveryAction = 'pause' | 'resume' | 'cancel';

export const actOnRecovery = (id: string, action: RecoveryAction) =>
  answer<unknown>(
    POST('/app/api/v1/recoveries/{id}/actions', {
      params: { path: { id } },
      body: { action },
    }),
  );
