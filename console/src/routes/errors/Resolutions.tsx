// Decisions about many errors: how far each is, the levers to hold it, and a report at the end.
import { Button } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import {
  errorGroups,
  isMoving,
  resolution as resolutionQuery,
  steerResolution,
  type Resolution,
  type Steering,
} from '../../api/errors';
import { failedAgain, resolutionWords } from '../../logic/errors';
import { plural } from '../../logic/text';
import { between, duration } from '../../logic/time';
import { Panel } from '../../parts/Page';
import { Progress } from '../../parts/Progress';
import { Status } from '../../parts/Status';
import { When } from '../../parts/When';
import { useRunAction } from '../runs/useRunAction';

interface Props {
  id: string;
  /** Puts the report away. */
  close: () => void;
}

export function ResolutionPanel({ id, close }: Props) {
  const { data } = useQuery(resolutionQuery(id));
  if (!data) return null;
  return (
    <Panel
      label="Bulk resolution"
      title={
        <>
          {data.action} · {plural(data.total, 'error')}{' '}
          <span aria-live="polite">
            <Status of={data.status} />
          </span>
        </>
      }
      actions={<Levers resolution={data} close={close} />}
    >
      <div className="kp-stack" style={{ gap: 10 }}>
        <Progress
          label={`${data.action}: ${data.done + data.refused} of ${data.total}`}
          total={data.total}
          parts={[
            { kind: 'done', count: data.done },
            { kind: 'skipped', count: data.refused },
          ]}
        />
        <div style={{ fontSize: 13.5 }}>
          {resolutionWords(data)}
          <span className="kp-dim">
            {' '}
            · {data.createdBy}, <When at={data.createdAt} />
            {data.resolution && <> · “{data.resolution}”</>}
          </span>
        </div>
        {data.message && <p className="kp-small">{data.message}</p>}
        {!isMoving(data) && <Report resolution={data} />}
      </div>
    </Panel>
  );
}

/** What became of it: how long it took, and whether the same errors came back. */
function Report({ resolution }: { resolution: Resolution }) {
  const { kind, summary } = resolution.filter ?? {};
  const { data } = useQuery(
    errorGroups({
      type: kind ?? undefined,
      summary: summary ?? undefined,
      start: resolution.createdAt.replace(/\.\d+Z$/, 'Z'),
    }),
  );
  const took = duration(between(resolution.createdAt, resolution.finishedAt));
  return (
    <div style={{ fontSize: 13.5 }} aria-live="polite">
      Took {took}. {data && failedAgain(data, resolution)}
    </div>
  );
}

const SAID: Record<Steering, string> = {
  pause: 'The resolution is paused',
  resume: 'The resolution goes on',
  cancel: 'The resolution is ended; what is decided stays decided',
};

function Levers({ resolution, close }: { resolution: Resolution; close: () => void }) {
  const steer = useRunAction({
    act: (action: Steering) => steerResolution(resolution.id, action),
    said: (_, action) => SAID[action],
    fault: 'It was not done',
  });
  const lever = (action: Steering, label: string, Sign: typeof IconX) => (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<Sign size={13} />}
      loading={steer.isPending && steer.variables === action}
      onClick={() => steer.mutate(action)}
    >
      {label}
    </Button>
  );
  if (!isMoving(resolution))
    return (
      <Button size="compact-sm" variant="subtle" onClick={close}>
        Put the report away
      </Button>
    );
  return (
    <>
      {resolution.status === 'Running'
        ? lever('pause', 'Pause', IconPlayerPause)
        : lever('resume', 'Resume', IconPlayerPlay)}
      {lever('cancel', 'Cancel', IconX)}
    </>
  );
}
