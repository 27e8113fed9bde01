// Errors one by one, newest first, page by page; some can be selected.
import { Checkbox } from '@mantine/core';
import { IconMoodCheck } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { errors as errorsQuery, type ErrorFilter } from '../../api/errors';
import { titleOf } from '../../api/trees';
import type { TaskError } from '../../api/types';
import { errorState } from '../../logic/states';
import { More } from '../../parts/ListFoot';
import { Empty, Fault } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useRowKeys } from '../../parts/useRowKeys';
import { When } from '../../parts/When';
import './errors.css';

interface Props {
  status: 'Active' | 'Handled';
  filter: ErrorFilter;
  picked?: ReadonlySet<string>;
  setPicked?: (picked: ReadonlySet<string>) => void;
}

export function ErrorRows({ status, filter, picked, setPicked }: Props) {
  const list = useInfiniteQuery(errorsQuery(status, filter));
  const rows = list.data?.pages.flatMap((page) => page.errors);
  useRowKeys();
  if (list.error)
    return <Fault what="Errors" error={list.error} retry={() => void list.refetch()} />;
  if (rows?.length === 0 && status === 'Handled')
    return (
      <Empty icon={IconMoodCheck} title="None handled yet">
        Errors that were dealt with are kept here with their notes.
      </Empty>
    );
  const choose = picked && setPicked ? [pick(picked, setPicked)] : [];
  return (
    <>
      <Rows
        label={filter.summary ? `Errors: ${filter.summary}` : 'Errors'}
        loadingRows={3}
        rows={rows}
        rowKey={(one) => String(one.id)}
        columns={[...choose, ...(status === 'Active' ? OPEN : HANDLED)]}
      />
      <div className="kp-cause-more">
        <More list={list} />
      </div>
    </>
  );
}

function pick(
  picked: ReadonlySet<string>,
  set: (picked: ReadonlySet<string>) => void,
): Column<TaskError> {
  return {
    title: '',
    width: 40,
    cell: (one) => (
      <Checkbox
        size="xs"
        aria-label={`Select error ${one.id}`}
        checked={picked.has(String(one.id))}
        onChange={(event) => {
          const next = new Set(picked);
          if (event.currentTarget.checked) next.add(String(one.id));
          else next.delete(String(one.id));
          set(next);
        }}
      />
    ),
  };
}

const RUN: Column<TaskError> = {
  title: 'Run',
  width: 100,
  cell: (one) =>
    one.run ? (
      <To
        to="/console/runs/$id"
        params={{ id: String(one.run.id) }}
        search={{ node: one.nodeId ?? undefined }}
        strong
      >
        Run {one.run.id}
      </To>
    ) : (
      '–'
    ),
};

const TREE: Column<TaskError> = {
  title: 'Tree',
  width: '26%',
  clip: true,
  cell: (one) => (one.run?.tree ? titleOf(one.run.tree) : '–'),
};

const OPEN: Column<TaskError>[] = [
  RUN,
  TREE,
  {
    title: 'What it says',
    clip: true,
    cell: (one) => (
      <span className="kp-dim" title={one.text ?? undefined}>
        {one.text ?? one.summary}
      </span>
    ),
  },
  { title: 'When', width: 110, cell: (one) => <When at={one.createdAt} /> },
];

const HANDLED: Column<TaskError>[] = [
  { title: 'Status', width: 110, cell: (one) => <Status of={errorState(one.status)} /> },
  RUN,
  TREE,
  {
    title: 'What it said',
    clip: true,
    cell: (one) => <span title={one.text ?? undefined}>{one.summary ?? one.text}</span>,
  },
  {
    title: 'What was done',
    width: '24%',
    clip: true,
    cell: ({ resolution }) => (
      <span className="kp-dim" title={resolution?.note}>
        {[resolution?.action, resolution?.by && `by ${resolution.by}`, resolution?.note]
          .filter(Boolean)
          .join(' · ')}
      </span>
    ),
  },
  { title: 'Handled', width: 110, cell: (one) => <When at={one.updatedAt} /> },
];
