// Webhook jobs: what was sent, what waits, what failed; found by anything that is known of them.
import { Tabs } from '@mantine/core';
import { IconLifebuoy } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { jobCounts, jobs as jobsQuery, newestJobs, type JobFilter } from '../../api/jobs';
import { filterOf, isNarrowed, tabOf, type JobSearch, type Tab } from '../../logic/jobSearch';
import { fromJobSearch } from '../../logic/recoveries';
import { LinkButton } from '../../parts/Button';
import { NewRows } from '../../parts/ListFoot';
import { Fault, Head } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { useRowKeys } from '../../parts/useRowKeys';
import { useStill } from '../../parts/useStill';
import { Bulk } from './Bulk';
import { columns } from './columns';
import { Filters } from './Filters';
import { LookFurther } from './LookFurther';
import { Nothing } from './Nothing';

const route = getRouteApi('/frame/console/jobs');

export function Jobs() {
  const search: JobSearch = route.useSearch();
  const navigate = useNavigate({ from: '/console/jobs' });
  const replace = (next: JobSearch) => void navigate({ search: next, replace: true });
  const set = (change: JobSearch) => replace({ ...search, ...change });
  const filter = useFilter(search);
  const list = useInfiniteQuery(jobsQuery(filter));
  const newest = useQuery(newestJobs(filter));
  const { rows, waiting } = useStill(list, (page) => page.webhookJobs, newest.data);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  useRowKeys();
  const tab = tabOf(search);
  return (
    <>
      <Head
        title="Jobs"
        lead="Each job is one delivery of an event to a webhook: when, where to, what was sent and what came back."
        actions={<Recover search={search} />}
      />
      <JobTabs
        filter={filter}
        tab={tab}
        change={(next) => set({ tab: next === 'all' ? undefined : next })}
      />
      <div className="kp-toolbar">
        <Filters search={search} set={set} replace={replace} />
      </div>
      <Bulk
        chosen={(rows ?? []).filter((job) => picked.has(job.id))}
        clear={() => setPicked(new Set())}
      />
      <NewRows count={waiting} show={() => void list.refetch()} />
      {list.error ? (
        <Fault what="Jobs" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 && !list.hasNextPage ? (
        <Nothing tab={tab} narrowed={isNarrowed(search)} />
      ) : (
        <>
          <Rows
            label="Webhook jobs"
            columns={columns({ picked, set: setPicked, rows: rows ?? [] })}
            rows={rows}
            rowKey={(job) => job.id}
            open={(job) => void navigate({ to: '/console/jobs/$id', params: { id: job.id } })}
          />
          <LookFurther list={list} looked={list.data?.pages.at(-1)?.looked} />
        </>
      )}
    </>
  );
}

/** Leads from what is shown to sending all of it again, or calling all of it off. */
function Recover({ search }: { search: JobSearch }) {
  const queued = (filterOf(search, 0).status ?? '') === 'Queued';
  return (
    <LinkButton
      variant="default"
      leftSection={<IconLifebuoy size={14} />}
      to="/console/recoveries/new"
      search={fromJobSearch(search, queued ? 'cancel' : 'replay')}
    >
      {queued ? 'Cancel these…' : 'Recover these…'}
    </LinkButton>
  );
}

/** The same address asks the same question until it changes, even as minutes pass. */
function useFilter(search: JobSearch): JobFilter {
  const key = JSON.stringify(search);
  return useMemo(() => filterOf(JSON.parse(key) as JobSearch, Date.now()), [key]);
}

interface TabProps {
  filter: JobFilter;
  tab: Tab;
  change: (tab: Tab) => void;
}

function JobTabs({ filter: { status: _, kapp, ...rest }, tab, change }: TabProps) {
  // The server counts over all kapps only; no number is better than a wrong one.
  const { data } = useQuery({ ...jobCounts(rest), enabled: kapp === undefined });
  const count = (n: number | undefined, tone?: string) =>
    n ? (
      <span className="kp-count" data-tone={tone}>
        {n.toLocaleString('en')}
        {!data?.isExact && '+'}
      </span>
    ) : null;
  return (
    <Tabs value={tab} onChange={(next) => change((next ?? 'all') as Tab)} mb="md">
      <Tabs.List>
        <Tabs.Tab value="all" rightSection={count(data?.all)}>
          All
        </Tabs.Tab>
        <Tabs.Tab value="queued" rightSection={count(data?.queued)}>
          Queued
        </Tabs.Tab>
        <Tabs.Tab value="failed" rightSection={count(data?.failed, 'bad')}>
          Failed
        </Tabs.Tab>
      </Tabs.List>
    </Tabs>
  );
}
