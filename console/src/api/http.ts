// What a refusal or a silence of the server means, and the call that comes before a session.

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

/** A call whose 401 is an answer for its caller, not the end of a session. */
export async function quietly<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {
    Accept: 'application/json',
    'X-Requested-With': 'XMLHttpRequest',
    'X-Kinetic-AuthAssumed': 'true',
  };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
    });
  } catch (cause) {
    throw unreachable(cause);
  }
  const text = await response.text();
  if (!response.ok) throw refusal(response, text);
  return (text ? parse(text) : undefined) as T;
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
