// Kapps, their forms, and the datastore's forms.
import { queryOptions } from '@tanstack/react-query';
import { answer, GET } from './client';
import type { Form, Kapp } from './types';

/** Where forms and submissions live: a kapp, or the datastore (no kapp). */
export type Place = string | null;

const WHOLE = { include: 'details,pages' };

export const kapps = queryOptions({
  queryKey: ['kapps'],
  queryFn: async () => (await answer<{ kapps: Kapp[] }>(GET('/app/api/v1/kapps'))).kapps,
  staleTime: 60_000,
});

export const forms = (kapp: Place) =>
  queryOptions({
    queryKey: ['forms', kapp ?? '*', 'list'],
    queryFn: async () => {
      const query = { ...WHOLE, limit: 1000 };
      const found = await answer<{ forms: Form[] }>(
        kapp === null
          ? GET('/app/api/v1/datastore/forms', { params: { query } })
          : GET('/app/api/v1/kapps/{kapp}/forms', { params: { path: { kapp }, query } }),
      );
      return found.forms;
    },
    staleTime: 30_000,
  });

export const form = (kapp: Place, form: string) =>
  queryOptions({
    queryKey: ['forms', kapp ?? '*', 'one', form],
    queryFn: async () => {
      const found = await answer<{ form: Form }>(
        kapp === null
          ? GET('/app/api/v1/datastore/forms/{form}', { params: { path: { form }, query: WHOLE } })
          : GET('/app/api/v1/kapps/{kapp}/forms/{form}', {
              params: { path: { kapp, form }, query: WHOLE },
            }),
      );
      return found.form;
    },
    staleTime: 30_000,
  });
