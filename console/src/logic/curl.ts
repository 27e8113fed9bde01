// A request as a command that a colleague can paste into a shell.
import type { Headers_ } from '../api/types';

export function headerPairs(headers: Headers_ | null | undefined): [string, string][] {
  if (!headers) return [];
  if (!Array.isArray(headers)) return Object.entries(headers).map(([k, v]) => [k, String(v)]);
  return headers.map((one) => (Array.isArray(one) ? [one[0], one[1]] : [one.name, one.value])) as [
    string,
    string,
  ][];
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

const MADE_BY_CURL = new Set(['content-length', 'host', 'connection', 'accept-encoding']);

export function curl(url: string, headers: [string, string][], body?: string | null): string {
  const absolute = url.startsWith('/') ? `${location.origin}${url}` : url;
  const lines = [`curl -X POST ${quote(absolute)}`];
  const sent = headers.filter(([name]) => !MADE_BY_CURL.has(name.toLowerCase()));
  if (!sent.some(([name]) => name.toLowerCase() === 'content-type'))
    sent.unshift(['Content-Type', 'application/json']);
  for (const [name, value] of sent) lines.push(`-H ${quote(`${name}: ${value}`)}`);
  if (body) lines.push(`--data-raw ${quote(body)}`);
  return lines.join(' \\\n  ');
}
