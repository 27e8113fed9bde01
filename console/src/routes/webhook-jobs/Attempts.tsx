// The attempts of a job: when, where, how long, and how each ended.
import { Tooltip } from '@mantine/core';
import type { Attempt } from '../../api/types';
import { phases } from '../../logic/jobs';
import { duration } from '../../logic/time';
import { Panel } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { When } from '../../parts/When';

interface Props {
  attempts: Attempt[];
  shown: number | undefined;
  show: (number: number) => void;
}

export function Attempts({ attempts, shown, show }: Props) {
  const longest = Math.max(1, ...attempts.map((one) => one.durationMs ?? 0));
  return (
    <Panel title="Attempts" flush>
      <Rows
        label="Attempts"
        rows={[...attempts].reverse()}
        rowKey={(one) => String(one.number)}
        open={(one) => show(one.number)}
        columns={[
          {
            title: '#',
            width: 60,
            cell: (one) => (
              <button
                type="button"
                className="kp-id"
                style={{ cursor: 'pointer' }}
                aria-pressed={one.number === shown}
                onClick={() => show(one.number)}
              >
                {one.number}
                {one.number === shown ? ' ◂' : ''}
              </button>
            ),
          },
          { title: 'Outcome', width: 120, cell: (one) => <Outcome attempt={one} /> },
          {
            title: 'Address',
            width: 150,
            cell: (one) => <span className="kp-mono kp-dim">{one.address ?? '–'}</span>,
          },
          {
            title: 'Time',
            width: '28%',
            cell: (one) => <Timing attempt={one} longest={longest} />,
          },
          {
            title: 'Duration',
            width: 90,
            align: 'right',
            cell: (one) => duration(one.durationMs),
          },
          { title: 'When', width: 110, cell: (one) => <When at={one.startedAt} /> },
        ]}
      />
      <Legend attempts={attempts} />
    </Panel>
  );
}

/** What the colours of the bars stand for. */
function Legend({ attempts }: { attempts: Attempt[] }) {
  const known = new Map(attempts.flatMap(phases).map((phase) => [phase.name, phase.colour]));
  if (known.size === 0) return null;
  return (
    <div className="kp-legend">
      {[...known].map(([name, colour]) => (
        <span key={name}>
          <i style={{ background: colour }} aria-hidden />
          {name}
        </span>
      ))}
    </div>
  );
}

function Outcome({ attempt }: { attempt: Attempt }) {
  const ok = !attempt.errorClass && (attempt.responseStatus ?? 0) >= 200;
  const running = !attempt.errorClass && attempt.responseStatus == null && !attempt.durationMs;
  const word = attempt.responseStatus ? String(attempt.responseStatus) : attempt.errorClass;
  if (running) return <Status of="In Progress" />;
  return (
    <Status
      of={{ word: word ?? 'Failed', tone: ok ? 'good' : 'bad' }}
      title={attempt.error ?? undefined}
    />
  );
}

function Timing({ attempt, longest }: { attempt: Attempt; longest: number }) {
  const parts = phases(attempt);
  const words = parts.map((part) => `${part.name} ${duration(part.ms)}`).join(' · ');
  if (parts.length === 0) return <span className="kp-dim">–</span>;
  return (
    <Tooltip label={words}>
      <div
        className="kp-timing"
        role="img"
        aria-label={words}
        style={{ width: `${Math.max(4, ((attempt.durationMs ?? 0) / longest) * 100)}%` }}
      >
        {parts.map((part) => (
          <span key={part.name} style={{ flexGrow: part.ms, background: part.colour }} />
        ))}
      </div>
    </Tooltip>
  );
}
