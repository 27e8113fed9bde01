// Handlers: what nodes can do, those that the space defines at URLs of its own included.
import { queryOptions } from '@tanstack/react-query';
import { answer, DELETE, GET, POST, PUT } from './client';
import type { components } from './schema';

export interface HandlerParameter {
  id: string;
  description: string;
  required: boolean;
  options: string[];
  /** What a new node is given for it; those that come with the server have none. */
  defaultValue?: string;
}

export interface Handler {
  definitionId: string;
  name: string;
  description: string;
  status: 'Active' | 'Inactive';
  effect: string;
  external: boolean;
  parameters: HandlerParameter[];
  results: { name: string; description: string }[];
  url?: string;
  /** It was imported from where its work is done otherwise, and cannot be called yet. */
  needsUrl?: boolean;
  timeoutSeconds?: number;
  /** In the answer that made it only. */
  secret?: string;
}

export interface Trial {
  status: number | null;
  body: string;
  results: Record<string, unknown> | null;
  deferred: boolean;
  error: string | null;
  durationMs: number;
}

// The description calls parameters and results objects of any kind; here stands which.
type Body = components['schemas']['HandlerBody'];
type Listed = 'parameters' | 'results';
export type HandlerFields = Omit<Body, Listed> & Pick<Handler, Listed>;
const asBody = (fields: HandlerFields) => fields as unknown as Body;

export const handlers = queryOptions({
  queryKey: ['handlers', 'list'],
  queryFn: async () =>
    (
      await answer<{ handlers: Handler[] }>(
        GET('/app/api/v2/handlers', { params: { query: { limit: 1000 } } }),
      )
    ).handlers,
});

const at = (definitionId: string) => ({ params: { path: { definitionId } } });

/** The titles of the trees that name a handler. */
export const usage = (definitionId: string) =>
  queryOptions({
    queryKey: ['handlers', 'usage', definitionId],
    queryFn: async () =>
      (
        await answer<{ trees: { title: string }[] }>(
          GET('/app/api/v2/trees/{title}/usage', { params: { path: { title: definitionId } } }),
        )
      ).trees,
  });

export const create = (fields: HandlerFields) =>
  answer<Handler>(POST('/app/api/v2/handlers', { body: asBody(fields) }));

export const update = (definitionId: string, fields: HandlerFields) =>
  answer<Handler>(
    PUT('/app/api/v2/handlers/{definitionId}', { ...at(definitionId), body: asBody(fields) }),
  );

export const remove = (definitionId: string) =>
  answer<unknown>(DELETE('/app/api/v2/handlers/{definitionId}', at(definitionId)));

const act = <T>(definitionId: string, action: string, parameters: Record<string, string> = {}) =>
  answer<T>(
    POST('/app/api/v2/handlers/{definitionId}/actions', {
      ...at(definitionId),
      body: { action, parameters: parameters as Record<string, never> },
    }),
  );

/** Calls it with these parameters, outside of any run. */
export const tryOut = (definitionId: string, parameters: Record<string, string>) =>
  act<Trial>(definitionId, 'Try', parameters);

export const newSecret = (definitionId: string) => act<Handler>(definitionId, 'New Secret');
