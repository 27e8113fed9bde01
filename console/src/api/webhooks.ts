// Webhooks of the space and of each kapp, the catalogue behind them, and the filter test.
import { queryOptions } from '@tanstack/react-query';
import { CORE, http, seg } from './http';
import type { FilterTest, Webhook } from './types';

/** A kapp's slug, or null for the space's own webhooks. */
export type Scope = string | null;

const base = (scope: Scope) =>
  scope === null ? `${CORE}/webhooks` : `${CORE}/kapps/${seg(scope)}/webhooks`;

export const webhooks = (scope: Scope) =>
  queryOptions({
    queryKey: ['webhooks', scope ?? '*', 'list'],
    queryFn: async () =>
      (await http.get<{ webhooks: Webhook[] }>(base(scope), { include: 'details' })).webhooks,
  });

export const webhook = (scope: Scope, name: string) =>
  queryOptions({
    queryKey: ['webhooks', scope ?? '*', 'one', name],
    queryFn: async () =>
      (await http.get<{ webhook: Webhook }>(`${base(scope)}/${seg(name)}`, { include: 'details' }))
        .webhook,
  });

export const create = async (scope: Scope, body: Partial<Webhook>) =>
  (await http.post<{ webhook: Webhook }>(base(scope), body)).webhook;

export const update = async (scope: Scope, name: string, body: Partial<Webhook>) =>
  (await http.put<{ webhook: Webhook }>(`${base(scope)}/${seg(name)}`, body)).webhook;

export const remove = (scope: Scope, name: string) =>
  http.delete<unknown>(`${base(scope)}/${seg(name)}`);

/** Type to events, as the catalogue has them for the level. */
export const catalogue = (scope: Scope) =>
  queryOptions({
    queryKey: ['catalogue', scope === null ? 'space' : 'kapp'],
    queryFn: () =>
      http.get<Record<string, string[]>>(
        `${CORE}/meta/webhooks/events/${scope === null ? 'space' : 'kapp'}`,
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
      (await http.post<{ test: FilterTest }>(`${CORE}/webhook-test`, draft)).test,
    retry: false,
    gcTime: 10_000,
  });

export const createConventional = (scope: Scope) =>
  http.post<{ created: (string | Webhook)[]; skipped: (string | Webhook)[] }>(
    scope === null
      ? `${CORE}/webhooks-conventional`
      : `${CORE}/kapps/${seg(scope)}/webhooks-conventional`,
  );
