// The columns of the table of lanes.
import type { Lane } from '../../api/lanes';
import { classWord } from '../../logic/classes';
import { laneReason, laneState } from '../../logic/lanes';
import { duration } from '../../logic/time';
import type { Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { LaneActions } from './LaneActions';

export const COLUMNS: Column<Lane>[] = [
  {
    title: 'Endpoint',
    width: '23%',
    clip: true,
    cell: (lane) => (
      <>
        <To
          to="/console/jobs"
          search={{ endpoint: lane.endpoint, webhook: lane.webhook ?? undefined }}
          className="kp-strong"
          title={lane.endpoint}
        >
          {lane.endpoint}
        </To>
        <div className="kp-under">
          {lane.webhook ? (
            <To
              to="/console/webhooks/edit/$name"
              params={{ name: lane.webhook }}
              search={{ kapp: lane.kappSlug ?? undefined }}
            >
              {lane.webhook}
            </To>
          ) : (
            'Made by hand'
          )}
          {lane.node && ` · ${lane.node}`}
        </div>
      </>
    ),
  },
  { title: 'State', width: '19%', cell: (lane) => <StateOf lane={lane} /> },
  {
    title: 'Waiting',
    width: 92,
    align: 'right',
    cell: (lane) => (
      <>
        {lane.waiting.toLocaleString('en')}
        {lane.oldestWaitingAt && (
          <div className="kp-under">
            <When at={lane.oldestWaitingAt} />
          </div>
        )}
      </>
    ),
  },
  {
    title: 'Under way',
    width: 88,
    align: 'right',
    cell: (lane) => (
      <>
        {lane.running}
        <span className="kp-dim"> / {lane.concurrency}</span>
        {lane.ratePerSecond != null && (
          <div className="kp-under">{lane.ratePerSecond} a second</div>
        )}
      </>
    ),
  },
  {
    title: 'Latency',
    width: 96,
    align: 'right',
    cell: (lane) => (
      <>
        {duration(lane.latencyMs?.p50)}
        {lane.latencyMs?.p99 != null && (
          <div className="kp-under">p99 {duration(lane.latencyMs.p99)}</div>
        )}
      </>
    ),
  },
  {
    title: 'Delivered',
    width: 92,
    align: 'right',
    cell: (lane) => (
      <>
        {lane.delivered.toLocaleString('en')}
        {lane.failed > 0 && (
          <div className="kp-under" style={{ color: 'var(--kp-bad)' }}>
            {lane.failed.toLocaleString('en')} failed
          </div>
        )}
      </>
    ),
  },
  {
    title: 'Last error',
    clip: true,
    cell: (lane) =>
      lane.lastError ? (
        <>
          <span title={lane.lastError}>{classWord(lane.lastError)}</span>
          <div className="kp-under">
            <When at={lane.lastErrorAt} />
          </div>
        </>
      ) : (
        <span className="kp-dim">–</span>
      ),
  },
  { title: '', width: 52, cell: (lane) => <LaneActions lane={lane} /> },
];

function StateOf({ lane }: { lane: Lane }) {
  const why = laneReason(lane);
  return (
    <>
      <Status of={laneState(lane.state)} />
      {why && <div className="kp-under">{why}</div>}
    </>
  );
}
