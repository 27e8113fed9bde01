// Recoveries in words: what is sent again, how far it is, how long it takes.
import type { Mode, NewRecovery, Recovery, RecoveryFilter } from '../api/recoveries';
import { classWord } from './classes';
import { filterOf, type JobSearch } from './jobSearch';
import { instants, rangeWords } from './range';
import { plural } from './text';
import { duration } from './time';

/** What the address of the wizard holds. */
export const RECOVERY_SEARCH = [
  ...(['mode', 'status', 'class', 'webhook', 'kapp', 'endpoint', 'text', 'ids'] as const),
  ...(['range', 'from', 'to', 'tz', 'rate', 'note'] as const),
] as const;

export type RecoverySearch = { [P in (typeof RECOVERY_SEARCH)[number]]?: string };

export const MODES: Record<Mode, { label: string; hint: string; start: (jobs: string) => string }> =
  {
    replay: {
      label: 'Send again',
      hint: 'Jobs that match are sent once more, with the request they had. Receivers see the same webhook-id.',
      start: (jobs) => `Send ${jobs} again`,
    },
    missing: {
      label: 'Send what is missing',
      hint: 'Events that match a webhook now but never had a job, because it did not exist, was switched off, or its filter failed.',
      start: (jobs) => `Send ${jobs}`,
    },
    cancel: {
      label: 'Cancel what waits',
      hint: 'Queued jobs that match are called off. Their history stays.',
      start: (jobs) => `Cancel ${jobs}`,
    },
  };

export const modeOf = ({ mode }: RecoverySearch): Mode =>
  mode === 'missing' || mode === 'cancel' ? mode : 'replay';

/** What the server is asked to do; `now` is in milliseconds. */
export function draftOf(search: RecoverySearch, now: number): NewRecovery {
  const mode = modeOf(search);
  const ids = search.ids?.split(',').filter(Boolean);
  const rate = Number(search.rate);
  const common = {
    mode,
    ratePerSecond: rate > 0 ? rate : undefined,
    note: search.note,
  };
  if (ids?.length) return { ...common, ids };
  const filter: RecoveryFilter = {
    ...instants(search, now),
    statuses: mode === 'replay' && search.status ? search.status.split(',') : undefined,
    errorClass: mode === 'missing' ? undefined : search.class,
    webhook: search.webhook,
    kappSlug: search.kapp,
    endpoint: mode === 'missing' ? undefined : search.endpoint,
    text: search.text,
  };
  return { ...common, filter };
}

/** The wizard's address for what a search over jobs shows. */
export function fromJobSearch(search: JobSearch, mode: Mode): RecoverySearch {
  const { status } = filterOf(search, 0);
  const { class: errorClass, webhook, kapp, endpoint, text, range, from, to, tz } = search;
  return {
    mode,
    status: mode === 'replay' ? (status ?? 'Failed') : undefined,
    class: errorClass,
    ...{ webhook, kapp, endpoint, text, range, from, to, tz },
  };
}

/** What a recovery is about, in one line. */
export const which = ({ ids, filter }: Pick<Recovery, 'ids' | 'filter'>): string =>
  ids ? plural(ids, 'selected job') : filterWords(filter);

export function filterWords(filter: RecoveryFilter | null | undefined): string {
  const { statuses, errorClass, webhook, kappSlug, endpoint, text, from, to } = filter ?? {};
  const parts = [
    statuses?.length && statuses.join(' or '),
    webhook,
    kappSlug && `kapp ${kappSlug}`,
    errorClass && classWord(errorClass),
    endpoint,
    text && `“${text}”`,
    (from || to) && rangeWords({ from, to }, false),
  ].filter(Boolean);
  return parts.join(' · ') || 'Everything';
}

/** The share of a part in percent, for a bar. */
export const share = (part: number, total: number): number =>
  total > 0 ? Math.min(100, (part / total) * 100) : 0;

export const handled = ({ done, skipped, failed }: Recovery): number => done + skipped + failed;

/** "340 of 1,200 sent again, 3 failed; some 5 min to go." */
export function progressWords(recovery: Recovery): string {
  const { mode, total, done, failed, skipped, status, ratePerSecond } = recovery;
  const verb = { cancel: 'cancelled', missing: 'sent', replay: 'sent again' }[mode];
  const count = (n: number, one: string) =>
    (recovery.isTotalExact ? '' : 'at least ') + plural(n, one);
  const parts =
    mode === 'missing'
      ? [`${count(total, 'event')} to look at, ${plural(done, 'job')} ${verb}`]
      : [`${done.toLocaleString('en')} of ${count(total, 'job')} ${verb}`];
  if (skipped) parts.push(`${skipped.toLocaleString('en')} skipped`);
  if (failed) parts.push(`${failed.toLocaleString('en')} failed`);
  const left = total - handled(recovery);
  const eta =
    status === 'Running' && ratePerSecond && left > 0
      ? `; some ${duration((left / ratePerSecond) * 1000)} to go`
      : '';
  return `${parts.join(', ')}${eta}.`;
}
