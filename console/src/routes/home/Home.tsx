// Home: is everything all right?
import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Suspense, lazy, useState, type ReactNode } from 'react';
import { dashboard as dashboardQuery } from '../../api/dashboard';
import { newestApprovals } from '../../api/approvals';
import { me } from '../../api/session';
import type { Dashboard } from '../../api/types';
import type { Tone } from '../../logic/states';
import { titleOfApproval } from '../../logic/approvals';
import { plural } from '../../logic/text';
import { LinkButton } from '../../parts/Button';
import { Fault, Head, Panel, Waiting } from '../../parts/Page';
import { ToneIcon } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { Held } from './Held';
import { Checklist } from './Checklist';
import classes from './Home.module.css';

const Chart = lazy(() => import('./Chart'));

export function Home() {
  const { data: person } = useQuery(me);
  if (!person) return <Waiting rows={8} />;
  return person.spaceAdmin ? <Overview /> : <Mine />;
}

/** What somebody sees who fills in forms and decides, but does not run the place. */
function Mine() {
  return (
    <>
      <Head title="Home" lead="Ask for something, or decide what waits for you." />
      <div className="kp-stack">
        <Waits />
        <LinkButton to="/console/kapps" style={{ alignSelf: 'flex-start' }}>
          Fill in a form
        </LinkButton>
      </div>
    </>
  );
}

function Overview() {
  const [minutes, setMinutes] = useState('60');
  const { data, error, refetch } = useQuery(dashboardQuery(Number(minutes)));
  return (
    <>
      <Head title="Home" />
      {error ? (
        <Fault what="The dashboard" error={error} retry={() => void refetch()} />
      ) : !data ? (
        <Waiting rows={8} />
      ) : (
        <div className="kp-stack">
          <Sentence data={data} />
          {isNew(data) && <Checklist />}
          <Figures data={data} window={WINDOWS[minutes]!} />
          <Panel
            title="Deliveries and runs per minute"
            actions={
              <SegmentedControl
                size="xs"
                aria-label="Time"
                value={minutes}
                onChange={setMinutes}
                data={Object.entries(WINDOWS).map(([value, label]) => ({ value, label }))}
              />
            }
          >
            <Suspense fallback={<div style={{ height: 220 }} />}>
              <Chart series={data.series} />
            </Suspense>
          </Panel>
          <div className={classes.columns}>
            <Held />
            <Failing data={data} />
            <Waits />
          </div>
        </div>
      )}
    </>
  );
}

const WINDOWS: Record<string, string> = { '15': '15 min', '60': '1 h', '360': '6 h' };

const isNew = (data: Dashboard): boolean =>
  Object.values(data.jobs).every((n) => n === 0) && Object.values(data.runs).every((n) => n === 0);

const TONES: Record<string, Tone> = { good: 'good', attention: 'warn' };

function Sentence({ data }: { data: Dashboard }) {
  const tone = TONES[data.status.level.toLowerCase()] ?? 'bad';
  return (
    <div className={classes.sentence} data-tone={tone} role="status">
      <span className="kp-status" data-tone={tone}>
        <ToneIcon tone={tone} size={22} />
      </span>
      <span>{data.status.sentence}</span>
    </div>
  );
}

function Figures({ data, window }: { data: Dashboard; window: string }) {
  return (
    <div className={classes.figures}>
      <Figure label="Jobs waiting" value={data.jobs.queued + data.jobs.inProgress}>
        <To to="/console/jobs" search={{ tab: 'queued' }}>
          {data.oldestQueuedAt ? (
            <>
              Oldest from <When at={data.oldestQueuedAt} />
            </>
          ) : (
            'Nothing waits'
          )}
        </To>
      </Figure>
      <Figure label={`Jobs failed in ${window}`} value={data.jobs.failed} bad>
        <To to="/console/jobs" search={{ tab: 'failed' }}>
          {data.jobs.failed ? 'See what failed' : 'None'}
        </To>
      </Figure>
      <Figure label="Runs going" value={data.runs.running + data.runs.waiting}>
        <To to="/console/runs" search={{ status: 'Waiting' }}>
          {data.runs.waiting
            ? `${data.runs.waiting} ${data.runs.waiting === 1 ? 'waits' : 'wait'} for something`
            : 'None waits'}
        </To>
      </Figure>
      <Figure label="Open errors" value={data.openErrors} bad>
        <To to="/console/errors">{data.openErrors ? 'Deal with them' : 'None'}</To>
      </Figure>
      <Figure label="Events in 24 h" value={data.events24h ?? 0}>
        <To to="/console/activity">See the activity</To>
      </Figure>
    </div>
  );
}

interface FigureProps {
  label: string;
  value: number;
  bad?: boolean;
  children: ReactNode;
}

function Figure({ label, value, bad, children }: FigureProps) {
  return (
    <div className={classes.figure}>
      <div className={classes.label}>{label}</div>
      <div className={classes.value} data-bad={bad && value > 0}>
        {value.toLocaleString('en')}
      </div>
      <div className={classes.hint}>{children}</div>
    </div>
  );
}

function Failing({ data }: { data: Dashboard }) {
  return (
    <Panel title="Failing webhooks">
      {data.failingWebhooks.length === 0 ? (
        <span className="kp-dim">Every webhook delivers.</span>
      ) : (
        <ul className={classes.list}>
          {data.failingWebhooks.map((one) => (
            <li key={`${one.kappSlug} ${one.webhook}`}>
              <To to="/console/jobs" search={{ tab: 'failed', webhook: one.webhook }} strong>
                {one.webhook}
              </To>
              <span className="kp-status" data-tone="bad">
                {one.failed} failed
              </span>
              <div className="kp-dim kp-clip" title={one.lastError ?? undefined}>
                {one.lastError}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Waits() {
  const admin = useQuery(me).data?.spaceAdmin === true;
  const scope = admin ? 'all' : 'mine';
  const approvals = useQuery(newestApprovals(scope)).data ?? [];
  return (
    <Panel
      title="Waiting for a decision"
      actions={
        approvals.length > 0 && (
          <To
            to="/console/approvals"
            search={admin ? { scope: 'all' } : {}}
            strong
            style={{ fontSize: 13 }}
          >
            {approvals.length >= 50 ? '50 or more approvals' : plural(approvals.length, 'approval')}
          </To>
        )
      }
    >
      {approvals.length === 0 ? (
        <span className="kp-dim">Nothing waits for an answer.</span>
      ) : (
        <ul className={classes.list}>
          {approvals.slice(0, 5).map((one) => (
            <li key={one.id}>
              <To to="/console/submissions/$id" params={{ id: one.id }} strong>
                {titleOfApproval(one)}
              </To>
              <span className="kp-dim">
                <When at={one.createdAt} />
              </span>
              <div className="kp-dim">{one.form?.name}</div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
