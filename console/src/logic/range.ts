// A stretch of time as an address holds it: so many minutes back, or from one instant to another.
import { clock } from './time';

export interface Range {
  /** Minutes back from now. */
  range?: string;
  from?: string;
  to?: string;
}

export const PRESETS = [
  { value: '15', label: 'Last 15 minutes' },
  { value: '60', label: 'Last hour' },
  { value: '1440', label: 'Last 24 hours' },
  { value: '10080', label: 'Last 7 days' },
  { value: '43200', label: 'Last 30 days' },
];

const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** The instants a range means, to the minute, so that the same question keeps its answer. */
export function instants({ range, from, to }: Range, now: number): { from?: string; to?: string } {
  if (from || to) return { from, to };
  const minutes = Number(range);
  if (!minutes) return {};
  return { from: iso(Math.floor(now / 60_000 - minutes) * 60_000) };
}

/** A range in words, in the viewer's zone or in UTC. */
export function rangeWords(range: Range, inUtc: boolean): string {
  const { from, to } = range;
  if (!from && !to)
    return PRESETS.find((preset) => preset.value === range.range)?.label ?? 'Any time';
  const words = (at: string) =>
    inUtc ? new Date(at).toISOString().slice(0, 16).replace('T', ' ') : clock(at).slice(0, -3);
  const zone = inUtc ? ' UTC' : '';
  if (!to) return `Since ${words(from!)}${zone}`;
  if (!from) return `Until ${words(to)}${zone}`;
  return `${words(from)} – ${words(to)}${zone}`;
}

/** What a field for date and time shows for an instant. */
export function toField(at: string | undefined, inUtc: boolean): string {
  const ms = at ? Date.parse(at) : NaN;
  if (Number.isNaN(ms)) return '';
  const shift = inUtc ? 0 : new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - shift).toISOString().slice(0, 16);
}

/** The instant that a field for date and time means. */
export function fromField(text: string, inUtc: boolean): string | undefined {
  const ms = text ? Date.parse(inUtc ? `${text}Z` : text) : NaN;
  return Number.isNaN(ms) ? undefined : iso(ms);
}

/** The viewer's zone, such as "Europe/Lisbon (UTC+1)". */
export function zone(now: number): string {
  const minutes = -new Date(now).getTimezoneOffset();
  const sign = minutes < 0 ? '−' : '+';
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  const offset = `UTC${sign}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name && name !== 'UTC' ? `${name} (${offset})` : offset;
}
