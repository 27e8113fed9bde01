// Where a job comes from and what it led to: every id is a link.
import { useQuery } from '@tanstack/react-query';
import { event as eventQuery } from '../../api/events';
import type { WebhookJob } from '../../api/types';
import { runIdOf, typeAndEvent } from '../../logic/jobs';
import { target } from '../../logic/target';
import { CopyButton, ShortId } from '../../parts/Copy';
import { Facts } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

export function About({ job }: { job: WebhookJob }) {
  const where = target(job.url);
  const run = runIdOf(job);
  return (
    <Facts
      rows={[
        ['Webhook', job.webhookId ? <WebhookLink job={job} /> : 'Made by hand'],
        ['Target', where.kind === 'tree' ? <TreeLink title={where.title} /> : where.title],
        [
          'URL',
          <>
            <span className="kp-mono">{job.url}</span>{' '}
            <CopyButton label="Copy the URL" text={() => job.url} />
          </>,
        ],
        [
          'Event',
          job.eventId ? (
            <To to="/console/activity/$id" params={{ id: job.eventId }} strong>
              {typeAndEvent(job.type, job.event)}
            </To>
          ) : (
            typeAndEvent(job.type, job.event)
          ),
        ],
        ['Verdict', job.eventId && job.webhookId && <VerdictOf job={job} id={job.eventId} />],
        [
          'Run',
          run && (
            <To to="/console/runs/$id" params={{ id: run }} strong>
              Run {run}
            </To>
          ),
        ],
        [
          'Recovery',
          job.recoveryId && (
            <To to="/console/recoveries/$id" params={{ id: job.recoveryId }} strong>
              The recovery it was part of
            </To>
          ),
        ],
        ['Created', <When at={job.createdAt ?? job.scheduledAt} />],
        ['Finished', job.finishedAt ? <When at={job.finishedAt} /> : undefined],
        ['Next attempt', job.nextAttemptAt ? <When at={job.nextAttemptAt} /> : undefined],
        ['Attempts', job.attempts?.length || job.retryCount + 1],
        ['Scope', job.kappSlug ? `Kapp ${job.kappSlug}` : job.scopeType],
        ['Record', <ShortId id={job.parentId} label="record id" />],
        ['Job id', <ShortId id={job.id} label="job id" />],
        ['Trace', <ShortId id={job.traceId} label="trace id" />],
      ]}
    />
  );
}

function WebhookLink({ job }: { job: WebhookJob }) {
  return (
    <To
      to="/console/webhooks/edit/$name"
      params={{ name: job.name }}
      search={{ kapp: job.kappSlug ?? undefined }}
      strong
    >
      {job.name}
    </To>
  );
}

/** How the webhook's filter judged the event, as the event's own page tells it. */
function VerdictOf({ job, id }: { job: WebhookJob; id: string }) {
  const { data } = useQuery(eventQuery(id));
  const found = data?.verdicts.find((one) => one.webhookId === job.webhookId);
  if (!data) return <span className="kp-dim">…</span>;
  if (!found) return <span className="kp-dim">Not recorded any more</span>;
  return (
    <>
      <Status of={found.verdict} />{' '}
      <span className="kp-dim">{found.message || 'the filter held'}</span>
    </>
  );
}

function TreeLink({ title }: { title: string }) {
  return (
    <To to="/console/trees/$title" params={{ title }} strong>
      {title}
    </To>
  );
}
