// Webhooks of the space and of each kapp, the catalogue behind them, and the filter test.
import { queryOptions } from '@tanstack/react-query';
import { answer, body, DELETE, GET, POST, PUT } from './client';
import type { FilterTest, Webhook, WebhookJob } from './types';

/** A kapp's slug, or null for the space's own webhooks. */
export type Scope = string | null;

/** A secret: typed, or held by the server and not shown. */
export type Secret = string | { set: boolean };

export interface RequestHeader {
  name: string;
  value: Secret;
  secret?: boolean;
}

export interface Auth {
  type: 'basic' | 'bearer' | 'oauth2' | 'mtls';
  [field: string]: Secret | undefined;
}

export interface RequestOptions {
  headers?: RequestHeader[];
  auth?: Auth | null;
  signing?: { v1?: boolean; v1a?: boolean; legacy?: unknown };
  format?: string | null;
  template?: string | null;
}

const DETAILS = { include: 'details' };

export const webhooks = (scope: Scope) =>
  queryOptions({
    queryKey: ['webhooks', scope ?? '*', 'list'],
    queryFn: async () => {
      const found = await answer<{ webhooks: Webhook[] }>(
        scope === null
          ? GET('/app/api/v1/webhooks', { params: { query: DETAILS } })
          : GET('/app/api/v1/kapps/{kapp}/webhooks', {
              params: { path: { kapp: scope }, query: DETAILS },
            }),
      );
      return found.webhooks;
    },
  });

export const webhook = (scope: Scope, name: string) =>
  queryOptions({
    queryKey: ['webhooks', scope ?? '*', 'one', name],
    queryFn: async () => {
      const found = await answer<{ webhook: Webhook }>(
        scope === null
          ? GET('/app/api/v1/webhooks/{name}', { params: { path: { name }, query: DETAILS } })
          : GET('/app/api/v1/kapps/{kapp}/webhooks/{name}', {
              params: { path: { kapp: scope, name }, query: DETAILS },
            }),
      );
      return found.webhook;
    },
  });

export async function create(scope: Scope, fields: Partial<Webhook>): Promise<Webhook> {
  const made = await answer<{ webhook: Webhook }>(
    scope === null
      ? POST('/app/api/v1/webhooks', { body: body(fields) })
      : POST('/app/api/v1/kapps/{kapp}/webhooks', {
          params: { path: { kapp: scope } },
          body: body(fields),
        }),
  );
  return made.webhook;
}

export async function update(
  scope: Scope,
  name: string,
  fields: Partial<Webhook>,
): Promise<Webhook> {
  const changed = await answer<{ webhook: Webhook }>(
    scope === null
      ? PUT('/app/api/v1/webhooks/{name}', { params: { path: { name } }, body: body(fields) })
      : PUT('/app/api/v1/kapps/{kapp}/webhooks/{name}', {
          params: { path: { kapp: scope, name } },
          body: body(fields),
        }),
  );
  return changed.webhook;
}

export const remove = (scope: Scope, name: string) =>
  answer<unknown>(
    scope === null
      ? DELETE('/app/api/v1/webhooks/{name}', { params: { path: { name } } })
      : DELETE('/app/api/v1/kapps/{kapp}/webhooks/{name}', {
          params: { path: { kapp: scope, name } },
        }),
  );

/** Type to events, as the catalogue has them for the level. */
export const catalogue = (level: 'space' | 'kapp') =>
  queryOptions({
    queryKey: ['catalogue', level],
    queryFn: () =>
      answer<Record<string, string[]>>(
        GET('/app/api/v1/meta/webhooks/events/{level}', { params: { path: { level } } }),
      ),
    staleTime: Infinity,
  });

export interface Draft {
  kappSlug?: string;
  type: string;
  event: string;
  filter?: string;
  url?: string;
  eventId?: string;
}

/** Judges a draft against a recorded event; the latest of its kind when none is named. */
export const test = (draft: Draft) =>
  queryOptions({
    queryKey: ['still', 'webhook-test', draft],
    queryFn: async () =>
      (await answer<{ test: FilterTest }>(POST('/app/api/v1/webhook-test', { body: draft }))).test,
    retry: false,
    gcTime: 10_000,
  });

interface Conventional {
  created: Webhook[];
  skipped: string[];
}

export const createConventional = (scope: Scope) =>
  answer<Conventional>(
    scope === null
      ? POST('/app/api/v1/webhooks-conventional')
      : POST('/app/api/v1/kapps/{kapp}/webhooks-conventional', {
          params: { path: { kapp: scope } },
        }),
  );

/** Delivers a test event now, whatever the filter says; answers the job that does it. */
export const sendTest = async (scope: Scope, name: string) =>
  (
    await answer<{ webhookJob: WebhookJob }>(
      scope === null
        ? POST('/app/api/v1/webhooks/{name}/send-test', { params: { path: { name } }, body: {} })
        : POST('/app/api/v1/kapps/{kapp}/webhooks/{name}/send-test', {
            params: { path: { kapp: scope, name } },
            body: {},
          }),
    )
  ).webhookJob;
