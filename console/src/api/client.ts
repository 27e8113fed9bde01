// The typed way to the server: addresses and parameters are checked against its own description.
import createClient from 'openapi-fetch';
import { refusal, signedOut, unreachable } from './http';
import type { paths } from './schema';

const client = createClient<paths>({
  baseUrl: '/',
  credentials: 'same-origin',
  headers: { 'X-Requested-With': 'XMLHttpRequest', 'X-Kinetic-AuthAssumed': 'true' },
});

client.use({
  async onResponse({ response }) {
    if (response.ok) return;
    if (response.status === 401) signedOut();
    throw refusal(response, await response.text());
  },
  onError({ error }) {
    throw unreachable(error);
  },
});

export const { GET, POST, PUT, DELETE } = client;

/** A body in the server's words: its description calls bodies plain objects. */
export const body = (fields: object) => fields as never;

/** The answer of a call, in the console's own words for it. Refusals have been thrown before. */
export async function answer<T>(call: Promise<{ data?: unknown }>): Promise<T> {
  return (await call).data as T;
}
