// How the space delivers: its policy and its pause.
import { queryOptions } from '@tanstack/react-query';
import { answer, body, GET, POST, PUT } from './client';
import type { Scope } from './webhooks';

export interface ClassSchedule {
  attempts?: number;
  firstWaitMs?: number;
  factor?: number;
  maxWaitMs?: number;
}

export type ClassRule = 'fail' | 'retry' | ClassSchedule;

export interface Breaker {
  failures: number;
  openMs: number;
  maxOpenMs: number;
}

export interface Policy {
  attempts: number;
  firstWaitMs: number;
  factor: number;
  maxWaitMs: number;
  jitter: number;
  giveUpAfterMs: number;
  classes: Record<string, ClassRule>;
  breaker: Breaker;
  concurrency: number;
  ratePerSecond?: number | null;
}

/** What a webhook does differently from its space. */
export interface Overrides extends Partial<Policy> {
  ttlMs?: number | null;
  orderBy?: string | null;
  delayMs?: number | null;
  coalesceBy?: string | null;
}

/** When a webhook counts as failing, and who is written to. */
export interface NoticeRules {
  failures: number;
  mailTo: string[];
}

export interface Delivery {
  paused: boolean;
  pausedBy?: string | null;
  pausedAt?: string | null;
  policy: Policy;
  notices: NoticeRules;
  /** Whether the server can send mail at all. */
  hasMailServer: boolean;
}

export const delivery = queryOptions({
  queryKey: ['delivery'],
  queryFn: async () => (await answer<{ delivery: Delivery }>(GET('/app/api/v1/delivery'))).delivery,
  refetchInterval: 60_000,
});

export const saveDelivery = async (change: { policy?: Policy; notices?: NoticeRules }) =>
  (await answer<{ delivery: Delivery }>(PUT('/app/api/v1/delivery', { body: body(change) })))
    .delivery;

export type PauseAction = 'pause' | 'resume';

export const pauseAll = (action: PauseAction) =>
  answer<unknown>(POST('/app/api/v1/delivery/actions', { body: { action } }));

export const pauseWebhook = (scope: Scope, name: string, action: PauseAction) =>
  answer<unknown>(
    scope === null
      ? POST('/app/api/v1/webhooks/{name}/actions', {
          params: { path: { name } },
          body: { action },
        })
      : POST('/app/api/v1/kapps/{kapp}/webhooks/{name}/actions', {
          params: { path: { kapp: scope, name } },
          body: { action },
        }),
  );
