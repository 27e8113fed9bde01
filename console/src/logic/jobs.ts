// What a job's fields say when they are put into words.
import type { Attempt, WebhookJob } from '../api/types';
import { parseJson, plural } from './text';
import { relative } from './time';

/** The number of the run that a job started, if it started one. */
export function runIdOf(job: Pick<WebhookJob, 'runId' | 'responseContent'>): string | undefined {
  if (job.runId !== null && job.runId !== undefined) return String(job.runId);
  const body = parseJson(job.responseContent) as
    { runId?: string | number; run?: { id?: string | number } } | undefined;
  const id = body?.runId ?? body?.run?.id;
  return id === undefined ? undefined : String(id);
}

/** "200 OK · run 1430": the answer in a few words. */
export function answer(job: WebhookJob): string {
  const run = runIdOf(job);
  const parts = [job.summary, run && `run ${run}`].filter(Boolean);
  if (parts.length) return parts.join(' · ');
  return { Queued: 'Waits for its turn', 'In Progress': 'Being sent' }[job.status as string] ?? '–';
}

/** The event's own name: some servers repeat the type in it. */
export const eventName = (type: string, event: string): string =>
  event.startsWith(`${type} `) ? event.slice(type.length + 1) : event;

/** "Submission · Submitted". */
export const typeAndEvent = (type: string, event: string): string =>
  `${type} · ${eventName(type, event)}`;

export const canRetry = (job: WebhookJob): boolean =>
  !job.payloadRemovedAt &&
  (['Failed', 'Cancelled'].includes(job.status) || (job.status === 'Queued' && job.retryCount > 0));

export const canCancel = (job: WebhookJob): boolean => ['Queued', 'Failed'].includes(job.status);

/** Whether more will happen to a job by itself. */
export const isGoing = (job: WebhookJob): boolean => ['Queued', 'In Progress'].includes(job.status);

/** What became of a job, and what comes next, in one sentence. `now` is in milliseconds. */
export function sentence(job: WebhookJob, now: number): string {
  const tries = job.attempts?.length || job.retryCount + 1;
  const run = runIdOf(job);
  const ago = relative(job.finishedAt ?? job.updatedAt, now);
  switch (job.status) {
    case 'Complete':
      if (run) return `Started run ${run} ${ago}.`;
      return tries > 1
        ? `Delivered ${ago} at the ${ordinal(tries)} attempt${said(job)}.`
        : `Delivered ${ago}${said(job)}.`;
    case 'Failed':
      return `Gave up after ${plural(tries, 'attempt')}${said(job)}. Repair the cause, then retry.`;
    case 'Cancelled':
      return `Cancelled ${ago}. Nothing more will be sent.`;
    case 'In Progress':
      return 'Being sent right now.';
    default: {
      const next = job.nextAttemptAt ?? job.scheduledAt;
      if (job.retryCount === 0 && !job.attempts?.length) return 'Waits for its first attempt.';
      const when = next && Date.parse(next) > now ? relative(next, now) : 'any moment';
      return `The last attempt failed${said(job)}. Next attempt ${when}.`;
    }
  }
}

const said = (job: WebhookJob) => (job.summary ? `: ${job.summary}` : '');

function ordinal(n: number): string {
  const words = ['', 'first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'];
  return words[n] ?? `${n}th`;
}

export interface Phase {
  name: string;
  ms: number;
  colour: string;
}

/** Where an attempt's time went; phases that did not happen are left out. */
export function phases(attempt: Attempt): Phase[] {
  const known: Phase[] = [
    { name: 'DNS', ms: attempt.dnsMs ?? 0, colour: '#8b5cf6' },
    { name: 'Connect', ms: attempt.connectMs ?? 0, colour: '#d97706' },
    { name: 'TLS', ms: attempt.tlsMs ?? 0, colour: '#db2777' },
    { name: 'Wait', ms: attempt.firstByteMs ?? 0, colour: '#2563eb' },
  ];
  const spent = known.reduce((sum, phase) => sum + phase.ms, 0);
  const rest = (attempt.durationMs ?? 0) - spent;
  return [...known, { name: 'Read', ms: rest, colour: '#059669' }].filter((phase) => phase.ms > 0);
}
