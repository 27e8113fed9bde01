// Connections to other systems, their operations, and calling them.
import { queryOptions } from '@tanstack/react-query';
import { answer, body, DELETE, GET, POST, PUT } from './client';
import type { components } from './schema';

export type AuthKind = 'none' | 'basic' | 'raw_bearer_token' | 'client_credentials';

/** How a connection shows who asks; secrets read as null, and null keeps them. */
export interface ConnectionAuth {
  authType: Exclude<AuthKind, 'none'>;
  [member: string]: string | null | undefined;
}

export interface HttpConfig {
  configType?: 'http';
  baseUrl: string;
  testPath?: string | null;
  caCert?: string | null;
  auth?: ConnectionAuth | null;
}

/** A PostgreSQL database; the password reads as null, and null keeps it. */
export interface DatabaseConfig {
  configType: 'postgres';
  host: string;
  port: number;
  username: string;
  password?: string | null;
  database: string;
  caCert?: string | null;
  poolSize: number;
}

export type ConnectionConfig = HttpConfig | DatabaseConfig;

export type Connection = Omit<
  components['schemas']['Connection'],
  'config' | 'secrets' | 'status'
> & {
  config: ConnectionConfig;
  secrets: Record<string, string | null>;
  status: { healthy: boolean; events: { message: string }[] };
};

export type RequestBody =
  | { bodyType: 'raw'; raw?: unknown }
  | { bodyType: 'www_form_urlencoded'; form: Record<string, string> }
  | { bodyType: 'multipart_form'; parts: unknown[] };

export interface RequestConfig {
  configType?: 'http';
  method: string;
  path: string;
  params: Record<string, string>;
  headers: Record<string, string | string[]>;
  body: RequestBody;
  includeEmptyParams?: boolean;
}

/** A statement on a database; inputs stand in its parameters. */
export interface StatementConfig {
  configType: 'postgres';
  statement: string;
  parameters: string[];
}

export type OperationConfig = RequestConfig | StatementConfig;

export type Outputs = Record<string, { value: string; children?: Record<string, string> | null }>;

export type Operation = Omit<components['schemas']['Operation'], 'config' | 'outputs'> & {
  config: OperationConfig;
  outputs: Outputs;
};

export type Usage = components['schemas']['ConnectionUsage'];

/** What came of a call: its request and answer, and outputs or an error. */
export interface Called {
  request?: { method: string; url: string; headers: Record<string, string>; body: string };
  raw?: { statusCode: number; headers: Record<string, string>; body: unknown };
  duration?: number | null;
  outputs?: Record<string, unknown>;
  error?: string;
  errorKey?: string;
}

export const connections = queryOptions({
  queryKey: ['connections', 'list'],
  queryFn: () => answer<Connection[]>(GET('/app/integrator/api/connections')),
});

const at = (id: string) => ({ params: { path: { id } } });

export const connection = (id: string) =>
  queryOptions({
    queryKey: ['connections', 'one', id],
    queryFn: () => answer<Connection>(GET('/app/integrator/api/connections/{id}', at(id))),
  });

export const operations = (id: string) =>
  queryOptions({
    queryKey: ['connections', 'operations', id],
    queryFn: () =>
      answer<Operation[]>(GET('/app/integrator/api/connections/{id}/operations', at(id))),
  });

export const usage = (id: string) =>
  queryOptions({
    queryKey: ['connections', 'usage', id],
    queryFn: () => answer<Usage>(GET('/app/integrator/api/connections/{id}/usage', at(id))),
  });

export const createConnection = (fields: object) =>
  answer<Connection>(POST('/app/integrator/api/connections', { body: body(fields) }));

export const updateConnection = (id: string, fields: object) =>
  answer<Connection>(
    PUT('/app/integrator/api/connections/{id}', { ...at(id), body: body(fields) }),
  );

export const removeConnection = (id: string) =>
  answer<unknown>(DELETE('/app/integrator/api/connections/{id}', at(id)));

export const testConnection = (id: string) =>
  answer<{ status: 'ok' | 'error'; message: string }>(
    POST('/app/integrator/api/connections/{id}/test', { ...at(id), body: body({}) }),
  );

export const createOperation = (id: string, fields: object) =>
  answer<Operation>(
    POST('/app/integrator/api/connections/{id}/operations', { ...at(id), body: body(fields) }),
  );

const within = (id: string, operation: string) => ({ params: { path: { id, operation } } });

export const updateOperation = (id: string, operation: string, fields: object) =>
  answer<Operation>(
    PUT('/app/integrator/api/connections/{id}/operations/{operation}', {
      ...within(id, operation),
      body: body(fields),
    }),
  );

export const removeOperation = (id: string, operation: string) =>
  answer<unknown>(
    DELETE('/app/integrator/api/connections/{id}/operations/{operation}', within(id, operation)),
  );

/** The inputs that a request names; refused when it cannot be read. */
export const inspect = (config: OperationConfig) =>
  answer<{ detectedInputs: string[]; requiredInputs: string[] }>(
    POST('/app/integrator/api/inspect', { body: { operation: body({ config }) } }),
  );

export const execute = (
  connectionId: string,
  operation: { config: OperationConfig; outputs: Outputs },
  parameters: Record<string, string>,
) =>
  answer<Called>(
    POST('/app/integrator/api/execute', {
      params: { query: { include: 'request' } },
      body: { connectionId, operation: body(operation), parameters: body(parameters) },
    }),
  );
