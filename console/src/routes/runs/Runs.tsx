// Runs: where each workflow is.
import { Button, Select, Tabs } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { newestRuns, runCount, runs as runsQuery, type RunFilter } from '../../api/runs';
import { titleOf, trees as treesQuery } from '../../api/trees';
import type { Run } from '../../api/types';
import { isNarrowed, PASSING, RUN_TABS, runFilter, type RunSearch } from '../../logic/runSearch';
import { runState } from '../../logic/states';
import { between, duration } from '../../logic/time';
import { ShortId } from '../../parts/Copy';
import { More, NewRows } from '../../parts/ListFoot';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { SearchBox } from '../../parts/SearchBox';
import { Status } from '../../parts/Status';
import { TimeRange } from '../../parts/TimeRange';
import { To } from '../../parts/To';
import { useRowKeys } from '../../parts/useRowKeys';
import { useStill } from '../../parts/useStill';
import { useNow, When } from '../../parts/When';

const route = getRouteApi('/frame/console/runs');

export function Runs() {
  const search: RunSearch = route.useSearch();
  const navigate = useNavigate({ from: '/console/runs' });
  const filter = useFilter(search);
  const list = useInfiniteQuery(runsQuery(filter));
  const newest = useQuery(newestRuns(filter));
  const { rows, waiting } = useStill(list, (page) => page.runs, newest.data);
  useRowKeys();
  return (
    <>
      <Head
        title="Runs"
        lead="Each run is one execution of a tree. Open one to see how far it is, what each node did, and what it waits for."
      />
      <States search={search} filter={filter} />
      <Filters />
      <NewRows count={waiting} show={() => void list.refetch()} />
      {list.error ? (
        <Fault what="Runs" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Nothing filtered={isNarrowed(search) || search.status !== undefined} />
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

/** The same address asks the same question until it changes, even as minutes pass. */
function useFilter(search: RunSearch): RunFilter {
  const key = JSON.stringify(search);
  return useMemo(() => runFilter(JSON.parse(key) as RunSearch, Date.now()), [key]);
}

function States({ search, filter }: { search: RunSearch; filter: RunFilter }) {
  const navigate = useNavigate({ from: '/console/runs' });
  return (
    <Tabs
      mb="md"
      value={search.status ?? 'All'}
      onChange={(status) =>
        void navigate({
          search: { ...search, status: status === 'All' ? undefined : (status ?? undefined) },
          replace: true,
        })
      }
    >
      <Tabs.List aria-label="State">
        {RUN_TABS.map(({ value, label }) => (
          <Tabs.Tab key={value} value={value}>
            {label}
            {PASSING.includes(value) && <Count filter={{ ...filter, status: value }} />}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  );
}

function Count({ filter }: { filter: RunFilter }) {
  const { data } = useQuery(runCount(filter));
  if (!data) return null;
  return (
    <span
      className="kp-count"
      style={{ marginLeft: 8 }}
      data-tone={filter.status === 'Error' ? 'bad' : undefined}
    >
      {data.toLocaleString('en')}
    </span>
  );
}

function Filters() {
  const search: RunSearch = route.useSearch();
  const navigate = useNavigate({ from: '/console/runs' });
  const set = (change: RunSearch) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const { data: treeList } = useQuery(treesQuery);
  const titles = new Set((treeList ?? []).map(titleOf));
  if (search.tree) titles.add(search.tree);
  return (
    <div className="kp-toolbar">
      <Select
        size="xs"
        w={300}
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
      <SearchBox
        label="Run number"
        placeholder="Run number"
        width={130}
        value={search.number}
        change={(number) => set({ number })}
      />
      <TimeRange value={search} change={(range) => set(range)} />
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
      Choose another state, tree or time.
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

/** How long it took, or how long it has been going. */
function Took({ run }: { run: Run }) {
  const now = useNow(5_000);
  const took = duration(between(run.createdAt, run.finishedAt ?? new Date(now).toISOString()));
  return run.finishedAt ? took : <span className="kp-dim">{took}</span>;
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
    cell: (run) => <Took run={run} />,
  },
  { title: 'Started', width: 110, cell: (run) => <When at={run.createdAt} /> },
];
