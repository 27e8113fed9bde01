// The folded parts of a webhook in a few words, and its secrets as the server takes them back.
import type { Overrides } from '../api/delivery';
import type { Auth, RequestOptions, Secret } from '../api/webhooks';
import { formatSpan } from './spans';
import { plural } from './text';

/** "retries of its own · in order · delayed by 5 min". */
export function deliveryHint(own: Overrides): string {
  const { ttlMs, orderBy, delayMs, coalesceBy, ...policy } = own;
  const differs = Object.values(policy).filter(isGiven).length;
  const parts = [
    differs > 0 && `${plural(differs, 'setting')} of its own`,
    orderBy && 'in order',
    coalesceBy && 'latest wins',
    delayMs && `delayed by ${formatSpan(delayMs)}`,
    ttlMs && `worthless after ${formatSpan(ttlMs)}`,
  ];
  return parts.filter(Boolean).join(' · ') || 'as the space delivers';
}

const AUTHS: Record<string, string> = {
  basic: 'user and password',
  bearer: 'bearer token',
  oauth2: 'OAuth2',
  mtls: 'client certificate',
};

/** "2 headers · bearer token · template". */
export function requestHint({ headers, auth, format, template }: RequestOptions): string {
  const parts = [
    headers?.length && plural(headers.length, 'header'),
    auth?.type && AUTHS[auth.type],
    format && format !== 'kinetic' && 'CloudEvents',
    template && 'template',
  ];
  return parts.filter(Boolean).join(' · ') || 'signed JSON, nothing added';
}

const isGiven = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== '' &&
  !(typeof value === 'object' && Object.keys(value).length === 0);

/** Leaves out what is empty, so that a webhook without own settings says so. */
export function compact<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => isGiven(value)),
  ) as Partial<T>;
}

/** A request with everything named: what is left out stays as it was at the server. */
export const whole = ({ headers, auth, format, template, ...rest }: RequestOptions) => ({
  ...rest,
  headers: headers ?? [],
  auth: auth ?? null,
  format: format ?? 'kinetic',
  template: template ?? null,
});

/** Whether the server holds a secret that is not shown. */
export const isSet = (secret: Secret | null | undefined): boolean =>
  typeof secret === 'object' && secret !== null && secret.set;

/** The words of a secret that was typed; those of one that is held stay unknown. */
export const typed = (secret: Secret | null | undefined): string =>
  typeof secret === 'string' ? secret : '';

/** The fields of each way to authenticate; secrets are write-only. */
export const AUTH_FIELDS: Record<
  Auth['type'],
  { name: string; label: string; secret?: boolean; long?: boolean; optional?: boolean }[]
> = {
  basic: [
    { name: 'username', label: 'Username' },
    { name: 'password', label: 'Password', secret: true },
  ],
  bearer: [{ name: 'token', label: 'Token', secret: true }],
  oauth2: [
    { name: 'tokenUrl', label: 'Token URL' },
    { name: 'clientId', label: 'Client id' },
    { name: 'clientSecret', label: 'Client secret', secret: true },
    { name: 'scope', label: 'Scope', optional: true },
  ],
  mtls: [
    { name: 'certificate', label: 'Certificate (PEM)', long: true },
    { name: 'privateKey', label: 'Private key (PEM)', secret: true, long: true },
  ],
};
