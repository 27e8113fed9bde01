// Why a run stands still: what it waits for since when, and the errors that need a person.
import { IconHourglass } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { errorsOf } from '../../api/runs';
import type { Run, TaskError, WaitingFor } from '../../api/types';
import { inline } from '../../logic/text';
import { ShortId } from '../../parts/Copy';
import { Panel } from '../../parts/Page';
import { ToneIcon } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import type { Approval } from '../approvals/useApprovals';
import { titleOfApproval } from '../approvals/Approvals';
import { ResolveError } from '../errors/ResolveError';

export function Obstacles({ run, approvals }: { run: Run; approvals: Approval[] }) {
  const waits = (run.view?.waitingFor ?? []).filter((one) => one.kind !== 'error');
  const { data } = useQuery(errorsOf(Number(run.id)));
  const mine = data ?? [];
  if (waits.length === 0 && mine.length === 0) return null;
  return (
    <div className="kp-stack" style={{ marginBottom: 16 }} aria-live="polite">
      {mine.map((error) => (
        <OpenError key={error.id} error={error} />
      ))}
      {waits.length > 0 && (
        <Panel label="Waiting for">
          <div style={{ display: 'grid', gap: 8, fontSize: 13.5 }}>
            {waits.map((wait, index) => (
              <Wait
                key={index}
                wait={wait}
                nodeName={
                  run.view?.nodes.find((one) => one.id === (wait.nodeId ?? wait.node))?.name
                }
                approval={approvals.find((one) => one.token === wait.token)}
              />
            ))}
          </div>
        </Panel>
      )}
    </div>
  );
}

interface WaitProps {
  wait: WaitingFor;
  nodeName: string | undefined;
  approval: Approval | undefined;
}

function Wait({ wait, nodeName, approval }: WaitProps) {
  const where = nodeName ?? wait.node;
  return (
    <div style={{ display: 'flex', gap: 10, flexWrap: 'wrap', alignItems: 'center' }}>
      <IconHourglass size={16} color="var(--kp-warn)" aria-hidden />
      <span>
        <strong className="kp-strong">{WAITS[wait.kind] ?? 'Waits'}</strong>
        {where && <> at “{where}”</>}
        {wait.until ? (
          <>
            , continues <When at={wait.until} />
          </>
        ) : (
          wait.since && (
            <>
              , since <When at={wait.since} />
            </>
          )
        )}
        {wait.message && <span className="kp-dim"> · {inline(wait.message)}</span>}
      </span>
      {approval && (
        <To to="/console/submissions/$id" params={{ id: approval.submission.id }} strong>
          {approval.form.name}: {titleOfApproval(approval)}
        </To>
      )}
      {wait.token && <ShortId id={wait.token} label="deferral token" />}
    </div>
  );
}

const WAITS: Record<string, string> = {
  deferral: 'Waits for an answer',
  timer: 'Waits for its time',
  child: 'Waits for another run',
};

function OpenError({ error }: { error: TaskError }) {
  return (
    <div className="kp-fault" role="alert">
      <ToneIcon tone="bad" size={17} />
      <div style={{ flex: 1, minWidth: 0 }}>
        <strong>{error.summary || error.type}</strong>
        {error.text && error.text !== error.summary && <pre>{error.text}</pre>}
        <div className="kp-dim" style={{ fontSize: 12.5, margin: '4px 0 10px' }}>
          {error.type} · since <When at={error.createdAt} />
        </div>
        <ResolveError ids={[error.id]} type={error.type} offered={error.actions} />
      </div>
    </div>
  );
}
