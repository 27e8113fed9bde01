// Why a run stands still: what it waits for since when, and the errors that need a person.
import { IconHourglass } from '@tabler/icons-react';
import { useState } from 'react';
import type { Run, RunView, TaskError, WaitingFor } from '../../api/types';
import { submissionWith, taskOf } from '../../logic/runs';
import { inline } from '../../logic/text';
import { ShortId } from '../../parts/Copy';
import { Panel } from '../../parts/Page';
import { ToneIcon } from '../../parts/Status';
import { To } from '../../parts/To';
import { Lasting, When } from '../../parts/When';
import { ResolveError } from '../errors/ResolveError';
import { EditRetry } from './EditRetry';
import { OpenTask } from './OpenTask';

/** Waits shown at once: a loop may wait in thousands of iterations. */
const WAITS_SHOWN = 10;

export function Obstacles({ run, errors }: { run: Run; errors: TaskError[] }) {
  const waits = (run.view?.waitingFor ?? []).filter((one) => one.kind !== 'error');
  const [all, setAll] = useState(false);
  if (waits.length === 0 && errors.length === 0) return null;
  const shown = all ? waits : waits.slice(0, WAITS_SHOWN);
  return (
    <div className="kp-stack" style={{ marginBottom: 16 }} aria-live="polite">
      {errors.map((error) => (
        <OpenError key={error.id} error={error} view={run.view} />
      ))}
      {run.view && waits.length > 0 && (
        <Panel label="Waiting for">
          <div style={{ display: 'grid', gap: 8, fontSize: 13.5 }}>
            {shown.map((wait, index) => (
              <Wait key={index} runId={run.id} wait={wait} view={run.view!} />
            ))}
            {shown.length < waits.length && (
              <button type="button" className="kp-fall-more" onClick={() => setAll(true)}>
                Show all {waits.length.toLocaleString('en')}
              </button>
            )}
          </div>
        </Panel>
      )}
    </div>
  );
}

interface WaitProps {
  runId: number | string;
  wait: WaitingFor;
  view: RunView;
}

function Wait({ runId, wait, view }: WaitProps) {
  const node = view.nodes.find((one) => one.id === (wait.nodeId ?? wait.node));
  const where = node?.name ?? wait.node;
  const task = taskOf(view, wait);
  const approval = wait.token ? submissionWith(view, wait.token) : undefined;
  return (
    <div className="kp-wait">
      <IconHourglass size={16} color="var(--kp-warn)" aria-hidden />
      <span>
        <strong className="kp-strong">{WAITS[wait.kind] ?? 'Waits'}</strong>
        {wait.runId && (
          <>
            {' '}
            <To to="/console/runs/$id" params={{ id: String(wait.runId) }} strong>
              Run {wait.runId}
            </To>
          </>
        )}
        {where && <> at “{where}”</>}
        {wait.until && (
          <>
            , continues <When at={wait.until} />
          </>
        )}
        {wait.since && (
          <>
            {' '}
            for <Lasting since={wait.since} />
          </>
        )}
        {wait.message && <span className="kp-dim"> · {inline(wait.message)}</span>}
      </span>
      {approval && (
        <To to="/console/submissions/$id" params={{ id: approval }} strong>
          The approval
        </To>
      )}
      {wait.token && <ShortId id={wait.token} label="deferral token" />}
      {task && (
        <span style={{ marginLeft: 'auto' }}>
          <OpenTask runId={runId} view={view} nodeName={where ?? 'the node'} task={task} />
        </span>
      )}
    </div>
  );
}

const WAITS: Record<string, string> = {
  deferral: 'Waits for an answer',
  timer: 'Waits for its time',
  retry: 'Waits to try again',
  child: 'Waits for',
};

/** Whether the text says more than the line above it, which often ends with it. */
const saysMore = ({ text, summary }: TaskError): boolean =>
  Boolean(text) && !(summary ?? '').endsWith(text!.trim());

function OpenError({ error, view }: { error: TaskError; view: RunView | undefined }) {
  const [editing, setEditing] = useState(false);
  const node = view?.nodes.find((one) => one.id === error.nodeId);
  const editable =
    error.actions?.includes('Retry Task') && node && (node.parameters ?? []).length > 0;
  return (
    <div className="kp-fault" role="alert">
      <ToneIcon tone="bad" size={17} />
      <div style={{ flex: 1, minWidth: 0 }}>
        <strong>{error.summary || error.type}</strong>
        {saysMore(error) && <pre>{error.text}</pre>}
        <div className="kp-dim" style={{ fontSize: 12.5, margin: '4px 0 10px' }}>
          {error.type}
          {node && <> at “{node.name}”</>} · <When at={error.createdAt} />
        </div>
        <ResolveError
          ids={[error.id]}
          type={error.type}
          offered={error.actions}
          edit={editable ? () => setEditing(true) : undefined}
        />
        {editing && node && <EditRetry error={error} node={node} close={() => setEditing(false)} />}
      </div>
    </div>
  );
}
