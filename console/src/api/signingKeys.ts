// The keys that sign deliveries.
import { queryOptions } from '@tanstack/react-query';
import { answer, GET, POST } from './client';
import type { components } from './schema';

export type SigningKey = components['schemas']['SigningKey'];

export const signingKeys = queryOptions({
  queryKey: ['signing-keys'],
  queryFn: async () => (await answer<{ keys: SigningKey[] }>(GET('/app/api/v1/signing-keys'))).keys,
});

/** The secret of a shared key is in this answer and never shown again. */
export const createKey = async (kind: 'v1' | 'v1a') =>
  (await answer<{ key: SigningKey }>(POST('/app/api/v1/signing-keys', { body: { kind } }))).key;

export interface KeyAction {
  action: 'retire' | 'revoke';
  overlapHours?: number;
}

export const actOnKey = async (id: string, action: KeyAction) =>
  (
    await answer<{ key: SigningKey }>(
      POST('/app/api/v1/signing-keys/{id}/actions', { params: { path: { id } }, body: action }),
    )
  ).key;
