// Kapps, their forms, and the datastore's forms.
import { queryOptions } from '@tanstack/react-query';
import { CORE, http, seg } from './http';
import type { Form, Kapp } from './types';

/** Where forms and submissions live: a kapp, or the datastore (no kapp). */
export type Place = string | null;

export const formsPath = (kapp: Place): string =>
  kapp === null ? `${CORE}/datastore/forms` : `${CORE}/kapps/${seg(kapp)}/forms`;

export const kapps = queryOptions({
  queryKey: ['kapps'],
  queryFn: async () => (await http.get<{ kapps: Kapp[] }>(`${CORE}/kapps`)).kapps,
  staleTime: 60_000,
});

export const forms = (kapp: Place) =>
  queryOptions({
    queryKey: ['forms', kapp ?? '*', 'list'],
    queryFn: async () =>
      (await http.get<{ forms: Form[] }>(formsPath(kapp), { include: 'details,pages' })).forms,
    staleTime: 30_000,
  });

export const form = (kapp: Place, slug: string) =>
  queryOptions({
    queryKey: ['forms', kapp ?? '*', 'one', slug],
    queryFn: async () =>
      (
        await http.get<{ form: Form }>(`${formsPath(kapp)}/${seg(slug)}`, {
          include: 'details,pages',
        })
      ).form,
    staleTime: 30_000,
  });
