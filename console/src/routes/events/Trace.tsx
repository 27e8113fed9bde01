// What followed from an event: webhooks judged, jobs sent, runs started, events those caused.
import { IconBolt, IconPlayerPlay, IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { event as eventQuery } from '../../api/events';
import type { EventDetail, EventSummary, WebhookJob } from '../../api/types';
import { answer, runIdOf, typeAndEvent } from '../../logic/jobs';
import { plural } from '../../logic/text';
import { Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

/** Events with everything they led to, in the given order. */
export function Trace({ events }: { events: EventSummary[] }) {
  return (
    <ol className="kp-trace">
      {events.map((event) => (
        <EventItem key={event.id} event={event} />
      ))}
    </ol>
  );
}

function EventItem({ event }: { event: EventSummary }) {
  const { data } = useQuery(eventQuery(event.id));
  return (
    <li className="kp-trace-item">
      <span className="kp-trace-icon">
        <IconBolt size={17} stroke={1.7} aria-hidden />
      </span>
      <div className="kp-trace-line">
        <To to="/console/activity/$id" params={{ id: event.id }} className="kp-strong">
          {typeAndEvent(event.type, event.event)}
        </To>
        <span className="kp-dim">
          {event.actor ? `by ${event.actor} · ` : ''}
          <When at={event.createdAt} />
        </span>
      </div>
      {data ? <Consequences event={data} /> : <Waiting rows={1} height={14} />}
    </li>
  );
}

/** The jobs and runs of one event, and a word about the webhooks that stayed silent. */
export function Consequences({ event }: { event: EventDetail }) {
  const silent = event.verdicts.filter((one) => one.verdict === 'not_matched').length;
  const broken = event.verdicts.filter(
    (one) => !['fired', 'not_matched', 'disabled'].includes(one.verdict),
  );
  const startedByJob = new Set(event.jobs.map(runIdOf));
  const loose = event.runs.filter((run) => !startedByJob.has(String(run.id)));
  return (
    <ol className="kp-trace">
      {event.jobs.map((job) => (
        <JobItem key={job.id} job={job} event={event} />
      ))}
      {loose.map((run) => (
        <RunItem key={run.id} id={String(run.id)} tree={run.tree} status={run.status} />
      ))}
      {broken.map((verdict) => (
        <li key={verdict.webhook} className="kp-trace-item">
          <div className="kp-trace-line">
            <Status of={verdict.verdict} />
            {verdict.webhook}
            <span className="kp-dim">{verdict.message}</span>
          </div>
        </li>
      ))}
      {event.jobs.length === 0 && loose.length === 0 && broken.length === 0 && (
        <li className="kp-dim" style={{ fontSize: 13 }}>
          {silent ? `${plural(silent, 'webhook')} listened, none matched.` : 'No webhook listens.'}
        </li>
      )}
    </ol>
  );
}

function JobItem({ job, event }: { job: WebhookJob; event: EventDetail }) {
  const runId = runIdOf(job);
  const run = event.runs.find((one) => String(one.id) === runId);
  return (
    <Item icon={<IconSend size={15} stroke={1.7} aria-hidden />}>
      <div className="kp-trace-line">
        <Status of={job.status} />
        <To to="/console/jobs/$id" params={{ id: job.id }}>
          {job.name}
        </To>
        <span className="kp-dim">{answer(job)}</span>
      </div>
      {runId && (
        <ol className="kp-trace">
          <RunItem id={runId} tree={run?.tree} status={run?.status} />
        </ol>
      )}
    </Item>
  );
}

function RunItem({ id, tree, status }: { id: string; tree?: string; status?: string }) {
  return (
    <Item icon={<IconPlayerPlay size={15} stroke={1.7} aria-hidden />}>
      <div className="kp-trace-line">
        {status && <Status of={status} />}
        <To to="/console/runs/$id" params={{ id }} className="kp-strong">
          Run {id}
        </To>
        <span className="kp-dim">{tree}</span>
      </div>
    </Item>
  );
}

function Item({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <li className="kp-trace-item">
      <span className="kp-trace-icon">{icon}</span>
      {children}
    </li>
  );
}
