// What led to a run and what came of it: event, job, the run that started it, the runs it started.
import type { ReactNode } from 'react';
import type { Run } from '../../api/types';
import { titleOf } from '../../api/trees';
import { runState } from '../../logic/states';
import { plural } from '../../logic/text';
import { between, duration } from '../../logic/time';
import { ShortId } from '../../parts/Copy';
import { Panel } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';

/** Children shown at once; the list of runs shows all of them. */
const CHILDREN_SHOWN = 8;

export function Related({ run }: { run: Run }) {
  const children = run.children ?? [];
  return (
    <Panel title="Where it comes from" label="Where it comes from">
      <ol className="kp-chain">
        {steps(run).map((step, index) => (
          <li key={index}>{step}</li>
        ))}
        <li aria-current="true">
          <span className="kp-strong">Run {run.id}</span>
        </li>
      </ol>
      {children.length > 0 && (
        <>
          <h3 style={{ fontSize: 12.5, margin: '14px 0 6px' }}>
            Started {plural(children.length, 'run')}
          </h3>
          <div style={{ display: 'grid', gap: 6, fontSize: 13.5 }}>
            {children.slice(0, CHILDREN_SHOWN).map((child) => (
              <Child key={child.id} run={child} />
            ))}
            {children.length > CHILDREN_SHOWN && (
              <span className="kp-dim">
                and {plural(children.length - CHILDREN_SHOWN, 'more run')}
              </span>
            )}
          </div>
        </>
      )}
      <div className="kp-dim" style={{ marginTop: 12, fontSize: 12.5 }}>
        Trace <ShortId id={run.traceId ?? run.view?.traceId} label="trace id" />
      </div>
    </Panel>
  );
}

function steps(run: Run): ReactNode[] {
  const { eventId, jobId, parent } = run;
  const out: ReactNode[] = [];
  if (eventId)
    out.push(
      <To to="/console/activity/$id" params={{ id: eventId }} strong>
        Event
      </To>,
    );
  if (jobId)
    out.push(
      <To to="/console/jobs/$id" params={{ id: jobId }} strong>
        Job
      </To>,
    );
  const origin = run.originatingId;
  if (origin && origin !== String(run.id) && origin !== String(parent?.id))
    out.push(
      <To to="/console/runs/$id" params={{ id: origin }} strong>
        Run {origin}
      </To>,
    );
  if (parent)
    out.push(
      <>
        <To to="/console/runs/$id" params={{ id: String(parent.id) }} strong>
          Run {parent.id}
        </To>
        {parent.waits && <span className="kp-dim"> waits for this one</span>}
      </>,
    );
  if (out.length === 0) out.push(<span className="kp-dim">{run.createdBy ?? 'By hand'}</span>);
  return out;
}

function Child({ run }: { run: Run }) {
  return (
    <div style={{ display: 'flex', gap: 10, alignItems: 'center', minWidth: 0 }}>
      <To to="/console/runs/$id" params={{ id: String(run.id) }} strong>
        Run {run.id}
      </To>
      <span className="kp-clip kp-dim" title={run.tree && titleOf(run.tree)} style={{ flex: 1 }}>
        {run.tree?.name}
      </span>
      <Status of={runState(run)} />
      <span className="kp-dim">{duration(between(run.startedAt, run.finishedAt))}</span>
    </div>
  );
}
