// Times as people read them: relative first, exact on demand, in the viewer's zone.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "4 min ago", "in 20 s", "yesterday", "12 Mar", "12 Mar 2024". */
export function relative(iso: string | null | undefined, now: number): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (Number.isNaN(at)) return '–';
  const away = Math.abs(now - at);
  const ahead = at > now;
  if (away < 5 * SECOND) return 'just now';
  if (away < DAY) {
    const text = coarse(away);
    return ahead ? `in ${text}` : `${text} ago`;
  }
  if (!ahead && away < 2 * DAY) return 'yesterday';
  if (away < 7 * DAY) {
    const days = Math.round(away / DAY);
    return ahead ? `in ${days} days` : `${days} days ago`;
  }
  const date = new Date(at);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: sameYear ? undefined : 'numeric',
  });
}

function coarse(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  return `${Math.floor(ms / HOUR)} h`;
}

/** The exact time with its zone, for a tooltip. */
export function exact(iso: string | null | undefined): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (Number.isNaN(at)) return 'No time recorded';
  return new Date(at).toLocaleString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  });
}

/** "14:02:11" today, else "21 Nov, 14:02:11", in the viewer's zone. */
export function clock(iso: string | null | undefined, now = Date.now()): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (Number.isNaN(at)) return '–';
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  return new Date(at).toLocaleString('en-GB', {
    day: today ? undefined : 'numeric',
    month: today ? undefined : 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

/** "2026-11-21 14:02:11 UTC", for what is compared with a log. */
export function utc(iso: string | null | undefined): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (Number.isNaN(at)) return '–';
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** "840 ms", "3.2 s", "4 min 10 s", "2 h 5 min". */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return '–';
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return parts(ms, MINUTE, 'min', SECOND, 's');
  if (ms < DAY) return parts(ms, HOUR, 'h', MINUTE, 'min');
  return parts(ms, DAY, 'd', HOUR, 'h');
}

function parts(ms: number, big: number, bigName: string, small: number, smallName: string) {
  const whole = Math.floor(ms / big);
  const rest = Math.floor((ms % big) / small);
  return rest ? `${whole} ${bigName} ${rest} ${smallName}` : `${whole} ${bigName}`;
}

/** Milliseconds between two times, undefined when either is missing. */
export function between(from?: string | null, to?: string | null): number | undefined {
  if (!from || !to) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  return Number.isNaN(ms) ? undefined : ms;
}

/** How often a relative time must be redrawn to stay true, in milliseconds. */
export function freshness(iso: string | null | undefined, now: number): number {
  const away = iso ? Math.abs(now - Date.parse(iso)) : Infinity;
  if (away < MINUTE) return SECOND;
  return away < HOUR ? 15 * SECOND : MINUTE;
}
