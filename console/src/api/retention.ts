// How long the space keeps its history; and what waits since its database was restored.
import { queryOptions } from '@tanstack/react-query';
import { answer, body, GET, POST, PUT } from './client';

/** Null keeps for ever, or without a limit. */
export interface RetentionPolicy {
  ageDays: number | null;
  payloadDays: number | null;
  runDays: number | null;
  inspectorDays: number;
  bytesMax: number | null;
}

export interface Retention {
  policy: RetentionPolicy;
  isDefault: boolean;
  bytes: number;
  oldestKeptAt?: string | null;
  lastPurge?: { at: string; rows: number; payloads: number; bytes: number } | null;
}

export interface Count {
  count: number;
  isExact: boolean;
}

/** What a policy would let go now. */
export interface RetentionPreview {
  events: Count;
  jobs: Count;
  runs: Count;
  eventPayloads: Count;
  jobPayloads: Count;
  isShorter: boolean;
}

export const retention = queryOptions({
  queryKey: ['retention'],
  queryFn: async () =>
    (await answer<{ retention: Retention }>(GET('/app/api/v1/retention'))).retention,
  refetchInterval: 60_000,
});

export const previewRetention = (policy: RetentionPolicy) =>
  answer<RetentionPreview>(POST('/app/api/v1/retention/preview', { body: body({ policy }) }));

export const saveRetention = async (policy: RetentionPolicy) =>
  (await answer<{ retention: Retention }>(PUT('/app/api/v1/retention', { body: body({ policy }) })))
    .retention;

export interface Restoration {
  restoredAt: string;
  reason: string;
  areJobsHeld: boolean;
  jobs: number;
  areRunsHeld: boolean;
  runs: number;
}

export const restoration = queryOptions({
  queryKey: ['delivery', 'restoration'],
  queryFn: async () =>
    (await answer<{ restoration: Restoration | null }>(GET('/app/api/v1/restoration'))).restoration,
  refetchInterval: 60_000,
});

export interface Decision {
  jobs?: 'send' | 'cancel';
  runs?: 'continue' | 'cancel';
}

export const decideRestored = async (decision: Decision) =>
  (
    await answer<{ restoration: Restoration | null }>(
      POST('/app/api/v1/restoration/actions', { body: body(decision) }),
    )
  ).restoration;
