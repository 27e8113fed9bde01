// Request inspectors: addresses of this server that record what is sent to them.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, DELETE, GET, POST, PUT } from './client';
import type { components } from './schema';

export type Inspector = components['schemas']['Inspector'];
export type InspectedRequest = components['schemas']['InspectedRequest'];
export type InspectorFields = components['schemas']['InspectorBody'];

export const inspectors = queryOptions({
  queryKey: ['inspectors', 'list'],
  queryFn: async () =>
    (await answer<{ inspectors: Inspector[] }>(GET('/app/api/v1/inspectors'))).inspectors,
});

const at = (id: string) => ({ params: { path: { id } } });

export const inspector = (id: string) =>
  queryOptions({
    queryKey: ['inspectors', 'one', id],
    queryFn: async () =>
      (await answer<{ inspector: Inspector }>(GET('/app/api/v1/inspectors/{id}', at(id))))
        .inspector,
  });

interface RequestPage {
  requests: InspectedRequest[];
  nextPageToken?: string | null;
}

/** What an inspector recorded, newest first; refreshed live. */
export const requests = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['inspectors', 'requests', id],
    queryFn: ({ pageParam }) =>
      answer<RequestPage>(
        GET('/app/api/v1/inspectors/{id}/requests', {
          params: { path: { id }, query: { limit: 50, pageToken: pageParam || undefined } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
  });

/** One recorded request with its whole body; what was recorded never changes. */
export const request = (id: string, request: string) =>
  queryOptions({
    queryKey: ['still', 'inspectors', id, request],
    queryFn: async () =>
      (
        await answer<{ request: InspectedRequest }>(
          GET('/app/api/v1/inspectors/{id}/requests/{request}', {
            params: { path: { id, request } },
          }),
        )
      ).request,
    staleTime: Infinity,
  });

export const create = async (fields: InspectorFields) =>
  (await answer<{ inspector: Inspector }>(POST('/app/api/v1/inspectors', { body: fields })))
    .inspector;

export const update = async (id: string, fields: InspectorFields) =>
  (
    await answer<{ inspector: Inspector }>(
      PUT('/app/api/v1/inspectors/{id}', { ...at(id), body: fields }),
    )
  ).inspector;

export const remove = (id: string) =>
  answer<unknown>(DELETE('/app/api/v1/inspectors/{id}', at(id)));

export const clear = (id: string) =>
  answer<unknown>(DELETE('/app/api/v1/inspectors/{id}/requests', at(id)));
