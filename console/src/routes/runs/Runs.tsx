// Runs: where each workflow is.
import { Button, SegmentedControl, Select } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { runs as runsQuery } from '../../api/runs';
import { titleOf, trees as treesQuery } from '../../api/trees';
import type { Run } from '../../api/types';
import { runState } from '../../logic/states';
import { between, duration } from '../../logic/time';
import { ShortId } from '../../parts/Copy';
import { More } from '../../parts/ListFoot';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { SearchBox } from '../../parts/SearchBox';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

const route = getRouteApi('/frame/console/runs');

export function Runs() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/runs' });
  const list = useInfiniteQuery(runsQuery(search));
  const rows = list.data?.pages.flatMap((page) => page.runs);
  return (
    <>
      <Head
        title="Runs"
        lead="Each run is one execution of a tree. Open one to see how far it is, what each node did, and what it waits for."
      />
      <Filters />
      {list.error ? (
        <Fault what="Runs" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Nothing filtered={Object.keys(search).length > 0} />
      ) : (
        <>
          <Rows
            label="Runs"
            columns={COLUMNS}
            rows={rows}
            rowKey={(run) => String(run.id)}
            open={(run) =>
              void navigate({
                to: '/console/runs/$id',
                params: { id: String(run.id) },
                search: {},
              })
            }
          />
          <More list={list} />
        </>
      )}
    </>
  );
}

function Filters() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/runs' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const { data: treeList } = useQuery(treesQuery);
  const titles = new Set((treeList ?? []).map(titleOf));
  if (search.tree) titles.add(search.tree);
  return (
    <div className="kp-toolbar">
      <SegmentedControl
        size="xs"
        aria-label="Status"
        value={search.status ?? ''}
        onChange={(status) => set({ status: status || undefined })}
        data={[
          { value: '', label: 'All' },
          { value: 'Running', label: 'Running' },
          { value: 'Waiting', label: 'Waiting' },
          { value: 'Error', label: 'Error' },
          { value: 'Complete', label: 'Complete' },
        ]}
      />
      <Select
        size="xs"
        w={340}
        aria-label="Tree"
        placeholder="Every tree"
        clearable
        searchable
        data={[...titles].sort()}
        value={search.tree ?? null}
        onChange={(tree) => set({ tree: tree ?? undefined })}
      />
      <SearchBox
        label="Record id"
        placeholder="Submission or other record id"
        value={search.sourceId}
        change={(sourceId) => set({ sourceId })}
      />
    </div>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  const navigate = useNavigate();
  return filtered ? (
    <Empty
      icon={IconPlayerPlay}
      title="No run matches"
      action={
        <Button
          variant="default"
          onClick={() => void navigate({ to: '/console/runs', search: {} })}
        >
          Clear the filters
        </Button>
      }
    >
      Choose another status or tree.
    </Empty>
  ) : (
    <Empty
      icon={IconPlayerPlay}
      title="Nothing has run yet"
      action={
        <Button onClick={() => void navigate({ to: '/console/kapps' })}>Fill in a form</Button>
      }
    >
      A webhook that points at a tree starts a run. Fill in a form whose submissions have one.
    </Empty>
  );
}

const COLUMNS: Column<Run>[] = [
  {
    title: 'Run',
    width: 90,
    cell: (run) => (
      <To to="/console/runs/$id" params={{ id: String(run.id) }} strong>
        <span style={{ fontVariantNumeric: 'tabular-nums' }}>{run.id}</span>
      </To>
    ),
  },
  { title: 'Status', width: 120, cell: (run) => <Status of={runState(run)} /> },
  {
    title: 'Group',
    clip: true,
    cell: (run) => <span className="kp-dim">{run.tree?.sourceGroup ?? '–'}</span>,
  },
  { title: 'Tree', width: '15%', clip: true, cell: (run) => run.tree?.name ?? '–' },
  {
    title: 'Record',
    width: 130,
    cell: (run) => <ShortId id={run.sourceId} label="record id" />,
  },
  {
    title: 'Took',
    width: 100,
    align: 'right',
    cell: (run) => duration(between(run.createdAt, run.finishedAt)),
  },
  { title: 'Started', width: 110, cell: (run) => <When at={run.createdAt} /> },
];
