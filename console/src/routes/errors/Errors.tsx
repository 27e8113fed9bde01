// Errors: what is broken in runs, grouped by cause, to be dealt with one by one or all at once.
import { SegmentedControl } from '@mantine/core';
import { IconMoodCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { errors as errorsQuery } from '../../api/runs';
import { titleOf } from '../../api/trees';
import type { TaskError } from '../../api/types';
import { errorState } from '../../logic/states';
import { plural } from '../../logic/text';
import { Empty, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { ResolveError } from './ResolveError';

const route = getRouteApi('/frame/console/errors');

export interface Cause {
  key: string;
  type: string;
  summary: string;
  errors: TaskError[];
}

/** Errors of one type with one summary are one cause; the cause with the most errors comes first. */
export function causes(errors: TaskError[]): Cause[] {
  const out = new Map<string, Cause>();
  for (const error of errors) {
    const summary = error.summary || error.text?.split('\n')[0] || error.type;
    const key = `${error.type}\n${summary}\n${error.status}`;
    const cause = out.get(key) ?? { key, type: error.type, summary, errors: [] };
    cause.errors.push(error);
    out.set(key, cause);
  }
  return [...out.values()].sort((a, b) => b.errors.length - a.errors.length);
}

export function Errors() {
  const { status = 'Active' } = route.useSearch();
  const navigate = useNavigate({ from: '/console/errors' });
  const { data, error, refetch } = useQuery(errorsQuery(status));
  const shown = data?.filter((one) => one.status.toLowerCase() === status.toLowerCase());
  return (
    <>
      <Head
        title="Errors"
        lead="A run that cannot go on stops at an error and waits for a person. Nothing is lost: repair the cause, then retry or skip."
      />
      <div className="kp-toolbar">
        <SegmentedControl
          size="xs"
          aria-label="Status"
          value={status}
          onChange={(next) =>
            void navigate({
              search: { status: next === 'Active' ? undefined : next },
              replace: true,
            })
          }
          data={[
            { value: 'Active', label: 'Open' },
            { value: 'Handled', label: 'Handled' },
          ]}
        />
      </div>
      {error && <Fault what="Errors" error={error} retry={() => void refetch()} />}
      {!shown && !error && <Waiting />}
      {shown?.length === 0 && (
        <Empty
          icon={IconMoodCheck}
          title={status === 'Active' ? 'Nothing is broken' : 'None handled yet'}
        >
          {status === 'Active'
            ? 'When a node of a run fails, the error appears here with what can be done about it.'
            : 'Errors that were dealt with are kept here with their notes.'}
        </Empty>
      )}
      <div className="kp-stack">
        {causes(shown ?? []).map((cause) => (
          <CausePanel key={cause.key} cause={cause} open={status === 'Active'} />
        ))}
      </div>
    </>
  );
}

function CausePanel({ cause, open }: { cause: Cause; open: boolean }) {
  const first = cause.errors[0]!;
  return (
    <Panel
      title={
        <>
          {cause.summary}{' '}
          <span className="kp-dim" style={{ fontWeight: 400 }}>
            {cause.type} · {plural(cause.errors.length, 'time')}
          </span>
        </>
      }
      label={cause.summary}
      actions={
        open && (
          <ResolveError
            ids={cause.errors.map((one) => one.id)}
            type={cause.type}
            offered={first.actions}
          />
        )
      }
      flush
    >
      <Rows
        label={`Errors: ${cause.summary}`}
        rows={cause.errors.slice(0, 50)}
        rowKey={(one) => String(one.id)}
        columns={[
          { title: 'Status', width: 110, cell: (one) => <Status of={errorState(one.status)} /> },
          {
            title: 'Run',
            width: 110,
            cell: (one) =>
              one.run ? (
                <To to="/console/runs/$id" params={{ id: String(one.run.id) }} strong>
                  Run {one.run.id}
                </To>
              ) : (
                '–'
              ),
          },
          {
            title: 'Tree',
            width: '26%',
            clip: true,
            cell: (one) => (one.run?.tree ? titleOf(one.run.tree) : '–'),
          },
          {
            title: 'What it says',
            clip: true,
            cell: (one) => (
              <span className="kp-dim" title={one.text ?? undefined}>
                {one.text ?? one.summary}
              </span>
            ),
          },
          { title: 'Since', width: 110, cell: (one) => <When at={one.createdAt} /> },
        ]}
      />
    </Panel>
  );
}
