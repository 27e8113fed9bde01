// The one place that talks to the server: JSON in, JSON out, errors with the server's own words.

export const CORE = '/app/api/v1';
export const TASK = '/app/components/task/app/api/v2';

/** What the server answered when it refused, or why it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly key?: string,
    readonly correlationId?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type QueryValue = string | number | boolean | undefined | null;

/** Builds a query string; values that are undefined, null or empty are left out. */
export function queryString(query: Record<string, QueryValue> = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') params.append(name, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

/** Encodes one path segment. */
export const seg = (text: string | number): string => encodeURIComponent(String(text));

const signedOutListeners = new Set<() => void>();

/** Calls back when the server no longer knows the session. Returns the unsubscribe function. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

/** Tells everybody that the session has ended. */
export const signedOut = (): void => signedOutListeners.forEach((tell) => tell());

/** A request that got no answer; one that was called off stays what it is. */
export const unreachable = (cause: unknown): Error =>
  cause instanceof DOMException && cause.name === 'AbortError'
    ? cause
    : new ApiError(0, 'The server cannot be reached.');

interface Options {
  query?: Record<string, QueryValue>;
  body?: unknown;
  signal?: AbortSignal;
  /** A 401 is an answer here, not the end of a session. */
  quiet?: boolean;
}

async function send<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = {
    Accept: 'application/json',
    'X-Requested-With': 'XMLHttpRequest',
    'X-Kinetic-AuthAssumed': 'true',
  };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path + queryString(options.query), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: 'same-origin',
    });
  } catch (cause) {
    throw unreachable(cause);
  }
  const text = await response.text();
  if (response.ok) return (text ? parse(text) : undefined) as T;
  if (response.status === 401 && !options.quiet) signedOut();
  throw refusal(response, text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(502, 'The server answered something that is not JSON.');
  }
}

/** What a refused request means: the server's words, else those of its status. */
export function refusal(response: Response, text: string): ApiError {
  let body: { error?: string; message?: string; errorKey?: string; correlationId?: string } = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    // A proxy's HTML page: the status says more than the markup.
  }
  const message =
    body.error || body.message || response.statusText || `The server answered ${response.status}.`;
  return new ApiError(response.status, message, body.errorKey, body.correlationId);
}

export const http = {
  get: <T>(path: string, query?: Options['query'], signal?: AbortSignal) =>
    send<T>('GET', path, { query, signal }),
  post: <T>(path: string, body?: unknown, query?: Options['query']) =>
    send<T>('POST', path, { body, query }),
  put: <T>(path: string, body?: unknown, query?: Options['query']) =>
    send<T>('PUT', path, { body, query }),
  delete: <T>(path: string, query?: Options['query']) => send<T>('DELETE', path, { query }),
  /** Like post and get, but a 401 is returned to the caller without ending the session. */
  quiet: <T>(method: string, path: string, body?: unknown) =>
    send<T>(method, path, { body, quiet: true }),
};
