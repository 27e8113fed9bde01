// One event: who, what changed, how each webhook judged it, and what followed.
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { event as eventQuery } from '../../api/events';
import type { EventDetail, Verdict } from '../../api/types';
import { eventName } from '../../logic/jobs';
import { Body } from '../../parts/Body';
import { ShortId } from '../../parts/Copy';
import { Facts, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Removed } from '../../parts/Removed';
import { Rows } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { Changes } from './Changes';
import { Consequences, Trace } from './Trace';

const route = getRouteApi('/frame/console/activity/$id');

export function Event() {
  const { id } = route.useParams();
  const { data: event, error, refetch } = useQuery(eventQuery(id));
  if (error) return <Fault what="This event" error={error} retry={() => void refetch()} />;
  if (!event) return <Waiting rows={6} />;
  return (
    <>
      <Head
        title={`${event.type} ${eventName(event.type, event.event)}`}
        lead={
          <>
            {event.label || event.entityKey}
            {event.actor && ` · by ${event.actor}`} · <When at={event.createdAt} />
          </>
        }
        crumbs={[<To to="/console/activity">Activity</To>, event.type]}
      />
      <div className="kp-cols">
        <div className="kp-stack">
          <Panel title="What followed">
            <div aria-live="polite">
              <Consequences event={event} />
            </div>
          </Panel>
          {event.caused && event.caused.length > 0 && (
            <Panel title="Events this caused">
              <Trace events={event.caused} />
            </Panel>
          )}
          <Verdicts event={event} />
          <Changes changes={event.changes} />
          <Panel title="Payload">
            <Removed at={event.payloadRemovedAt} />
            {!event.payloadRemovedAt && <Body label="Payload" value={event.payload} />}
          </Panel>
        </div>
        <Panel title="About">
          <About event={event} />
        </Panel>
      </div>
    </>
  );
}

function Verdicts({ event }: { event: EventDetail }) {
  return (
    <Panel title="How each webhook judged it" flush>
      {event.verdicts.length === 0 ? (
        <div className="kp-panel-body kp-dim">
          No webhook listens to {event.type} {eventName(event.type, event.event)}.{' '}
          <To
            to="/console/webhooks/new"
            search={{
              kapp: event.kappSlug ?? undefined,
              type: event.type,
              event: eventName(event.type, event.event),
            }}
            strong
          >
            Create one
          </To>
        </div>
      ) : (
        <Rows
          label="Verdicts"
          rows={event.verdicts}
          rowKey={(one) => `${one.webhookId ?? ''} ${one.webhook}`}
          columns={[
            { title: 'Verdict', width: 150, cell: (one) => <Status of={one.verdict} /> },
            {
              title: 'Webhook',
              width: '30%',
              cell: (one) => <WebhookLink one={one} event={event} />,
            },
            { title: 'Reason', cell: (one) => one.message || <span className="kp-dim">–</span> },
            {
              title: 'Job',
              width: 120,
              cell: (one) =>
                one.jobId ? (
                  <To to="/console/jobs/$id" params={{ id: one.jobId }} strong>
                    Open job
                  </To>
                ) : (
                  <span className="kp-dim">–</span>
                ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function WebhookLink({ one, event }: { one: Verdict; event: EventDetail }) {
  const kapp = one.scope?.toLowerCase() === 'kapp' ? (one.kappSlug ?? event.kappSlug) : undefined;
  return (
    <To
      to="/console/webhooks/edit/$name"
      params={{ name: one.webhook }}
      search={{ kapp: kapp ?? undefined }}
    >
      {one.webhook}
    </To>
  );
}

function About({ event }: { event: EventDetail }) {
  return (
    <Facts
      rows={[
        ['Record', <RecordLink event={event} />],
        ['Level', event.level],
        ['Kapp', event.kappSlug ?? undefined],
        ['Depth', event.depth],
        [
          'Caused by',
          event.cause?.eventId ? (
            <To to="/console/activity/$id" params={{ id: event.cause.eventId }} strong>
              An earlier event
            </To>
          ) : undefined,
        ],
        [
          'In run',
          event.cause?.runId ? (
            <To to="/console/runs/$id" params={{ id: String(event.cause.runId) }} strong>
              Run {event.cause.runId}
            </To>
          ) : undefined,
        ],
        ['Event id', <ShortId id={event.id} label="event id" />],
        ['Trace', <ShortId id={event.traceId} label="trace id" />],
      ]}
    />
  );
}

function RecordLink({ event }: { event: EventDetail }) {
  const key = event.entityKey;
  if (!key) return null;
  if (event.type === 'Submission')
    return (
      <To to="/console/submissions/$id" params={{ id: key }} strong>
        {event.label || 'Submission'}
      </To>
    );
  if (event.type === 'Datastore Submission')
    return (
      <To to="/console/datastore/submissions/$id" params={{ id: key }} strong>
        {event.label || 'Submission'}
      </To>
    );
  if (event.type === 'User')
    return (
      <To to="/console/users" search={{ user: key }} strong>
        {key}
      </To>
    );
  return <>{event.label || key}</>;
}
