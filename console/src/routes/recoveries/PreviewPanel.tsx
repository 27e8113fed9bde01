// What a recovery would do, before it does it: how many, whose, why they failed, and some of them.
import type { UseQueryResult } from '@tanstack/react-query';
import type { Mode, Preview } from '../../api/recoveries';
import { classWord } from '../../logic/classes';
import { answer } from '../../logic/jobs';
import { plural } from '../../logic/text';
import { Fault, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

interface Props {
  mode: Mode;
  query: UseQueryResult<Preview>;
}

export function PreviewPanel({ mode, query: { data, error, refetch, isFetching } }: Props) {
  return (
    <Panel title="Preview" label="Preview">
      <div aria-live="polite" aria-busy={isFetching}>
        {error ? (
          <Fault what="The preview" error={error} retry={() => void refetch()} />
        ) : !data ? (
          <Waiting rows={4} />
        ) : data.count === 0 ? (
          <p className="kp-small kp-dim">{NOTHING[mode]}</p>
        ) : (
          <Content data={data} mode={mode} />
        )}
      </div>
    </Panel>
  );
}

const NOTHING: Record<Mode, string> = {
  replay: 'No job matches. Widen the time or take a filter away.',
  missing: 'Nothing is missing: every event that matches a webhook has its job.',
  cancel: 'Nothing that matches waits.',
};

function Content({ data, mode }: { data: Preview; mode: Mode }) {
  return (
    <div className="kp-stack">
      <p style={{ margin: 0, fontSize: 15 }}>
        <strong>
          {data.isExact ? '' : 'At least '}
          {plural(data.count, mode === 'missing' ? 'missing job' : 'job')}
        </strong>
        {!data.isExact && (
          <span className="kp-dim"> Counting stopped; all that match are taken.</span>
        )}
      </p>
      <Counts
        title="By webhook"
        rows={data.byWebhook.map((one) => [one.webhook, one.count])}
        of={data.count}
      />
      <Counts
        title="By reason"
        rows={data.byClass.map(({ errorClass, count }) => [
          errorClass === 'none' ? 'No failure' : classWord(errorClass),
          count,
        ])}
        of={data.count}
      />
      {data.sample.length > 0 && (
        <div>
          <div className="kp-label">Some of them</div>
          <ul className="kp-plain">
            {data.sample.slice(0, 5).map((job) => (
              <li key={job.id || `${job.name} ${job.eventId}`}>
                <Status of={job.status} />{' '}
                {job.id ? (
                  <To to="/console/jobs/$id" params={{ id: job.id }}>
                    {job.name}
                  </To>
                ) : (
                  job.name
                )}{' '}
                <span className="kp-dim">
                  {answer(job)} · <When at={job.createdAt ?? job.scheduledAt} />
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

interface CountsProps {
  title: string;
  rows: [string, number][];
  of: number;
}

function Counts({ title, rows, of }: CountsProps) {
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map(([, count]) => count), 1);
  return (
    <div>
      <div className="kp-label">{title}</div>
      <ul className="kp-counts">
        {rows.slice(0, 8).map(([name, count]) => (
          <li key={name}>
            <span className="kp-clip" title={name}>
              {name}
            </span>
            <span className="kp-num">{count.toLocaleString('en')}</span>
            <i style={{ width: `${(count / Math.max(most, of)) * 100}%` }} aria-hidden />
          </li>
        ))}
      </ul>
      {rows.length > 8 && <span className="kp-dim kp-small">and {rows.length - 8} more</span>}
    </div>
  );
}
