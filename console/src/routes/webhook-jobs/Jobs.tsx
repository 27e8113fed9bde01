// Webhook jobs: what was sent, what waits, what failed.
import { Button, Checkbox, Select, Tabs, TextInput, VisuallyHidden } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconRefresh, IconSearch, IconSend, IconX } from '@tabler/icons-react';
import { useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { kapps } from '../../api/forms';
import { jobCounts, jobs as jobsQuery, newestJobs, type JobFilter } from '../../api/jobs';
import { webhooks } from '../../api/webhooks';
import type { WebhookJob } from '../../api/types';
import { answer, canCancel, canRetry, typeAndEvent } from '../../logic/jobs';
import { target } from '../../logic/target';
import { More, NewRows } from '../../parts/ListFoot';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useStill } from '../../parts/useStill';
import { When } from '../../parts/When';
import { useSetStatus } from './useRetry';

const route = getRouteApi('/frame/console/jobs');

const TABS = { all: undefined, queued: 'Queued', failed: 'Failed' } as const;
type Tab = keyof typeof TABS;

const RANGES = [
  { value: '15', label: 'Last 15 minutes' },
  { value: '60', label: 'Last hour' },
  { value: '1440', label: 'Last 24 hours' },
  { value: '10080', label: 'Last 7 days' },
];

/** The beginning of the range, to the minute, so that the same question keeps its answer. */
function startOf(range: string | undefined): string | undefined {
  const minutes = Number(range);
  if (!minutes) return undefined;
  const at = Math.floor(Date.now() / 60_000 - minutes) * 60_000;
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function Jobs() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/jobs' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const tab: Tab = search.tab && search.tab in TABS ? (search.tab as Tab) : 'all';
  const filter: JobFilter = useMemo(
    () => ({
      status: TABS[tab] ?? search.status,
      webhook: search.webhook,
      kapp: search.kapp,
      q: search.q,
      start: startOf(search.range),
    }),
    [tab, search.status, search.webhook, search.kapp, search.q, search.range],
  );
  const list = useInfiniteQuery(jobsQuery(filter));
  const newest = useQuery(newestJobs(filter));
  const { rows, waiting } = useStill(list, (page) => page.webhookJobs, newest.data);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const chosen = (rows ?? []).filter((job) => picked.has(job.id));
  return (
    <>
      <Head
        title="Jobs"
        lead="Each job is one delivery of an event to a webhook: when, where to, what was sent and what came back."
      />
      <JobTabs
        filter={filter}
        tab={tab}
        change={(next) => set({ tab: next === 'all' ? undefined : next })}
      />
      <div className="kp-toolbar">
        <Filters search={search} set={set} withStatus={tab === 'all'} />
        <Bulk chosen={chosen} clear={() => setPicked(new Set())} />
      </div>
      <NewRows count={waiting} show={() => void list.refetch()} />
      {list.error ? (
        <Fault what="Jobs" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Nothing
          tab={tab}
          filtered={Boolean(search.webhook || search.status || search.range || search.q)}
        />
      ) : (
        <>
          <Rows
            label="Webhook jobs"
            columns={columns(picked, setPicked)}
            rows={rows}
            rowKey={(job) => job.id}
            open={(job) => void navigate({ to: '/console/jobs/$id', params: { id: job.id } })}
          />
          <More list={list} />
        </>
      )}
    </>
  );
}

interface TabProps {
  filter: JobFilter;
  tab: Tab;
  change: (tab: Tab) => void;
}

function JobTabs({ filter: { webhook, q, start }, tab, change }: TabProps) {
  const { data } = useQuery(jobCounts({ webhook, q, start }));
  const count = (n: number | undefined, tone?: string) =>
    n ? (
      <span className="kp-count" data-tone={tone}>
        {n.toLocaleString('en')}
        {n === data?.max && '+'}
      </span>
    ) : null;
  return (
    <Tabs value={tab} onChange={(next) => change((next ?? 'all') as Tab)} mb="md">
      <Tabs.List>
        <Tabs.Tab value="all">All</Tabs.Tab>
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

interface FilterProps {
  search: ReturnType<typeof route.useSearch>;
  set: (change: ReturnType<typeof route.useSearch>) => void;
  withStatus: boolean;
}

function Filters({ search, set, withStatus }: FilterProps) {
  const slugs = (useQuery(kapps).data ?? []).map((kapp) => kapp.slug);
  const scopes = [null, ...slugs];
  const lists = useQueries({ queries: scopes.map((scope) => webhooks(scope)) });
  const names = [...new Set(lists.flatMap((list) => (list.data ?? []).map((one) => one.name)))];
  const [text, setText] = useState(search.q ?? '');
  const apply = useDebouncedCallback((q: string) => set({ q: q || undefined }), 300);
  return (
    <>
      <TextInput
        size="xs"
        w={200}
        aria-label="Search jobs"
        placeholder="Search"
        leftSection={<IconSearch size={13} />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          apply(event.currentTarget.value.trim());
        }}
      />
      <Select
        size="xs"
        w={200}
        aria-label="Webhook"
        placeholder="Every webhook"
        clearable
        searchable
        data={names.sort()}
        value={search.webhook ?? null}
        onChange={(webhook) => set({ webhook: webhook ?? undefined })}
      />
      {withStatus && (
        <Select
          size="xs"
          w={150}
          aria-label="Status"
          placeholder="Every status"
          clearable
          data={['Queued', 'In Progress', 'Complete', 'Failed', 'Cancelled']}
          value={search.status ?? null}
          onChange={(status) => set({ status: status ?? undefined })}
        />
      )}
      <Select
        size="xs"
        w={160}
        aria-label="Time"
        placeholder="Any time"
        clearable
        data={RANGES}
        value={search.range ?? null}
        onChange={(range) => set({ range: range ?? undefined })}
      />
    </>
  );
}

function Bulk({ chosen, clear }: { chosen: WebhookJob[]; clear: () => void }) {
  const retry = useSetStatus('Queued');
  const cancel = useSetStatus('Cancelled');
  const retriable = chosen.filter(canRetry).map((job) => job.id);
  const cancellable = chosen.filter(canCancel).map((job) => job.id);
  if (chosen.length === 0) return null;
  return (
    <div className="kp-actions" style={{ marginLeft: 'auto' }}>
      <Button
        leftSection={<IconRefresh size={14} />}
        disabled={retriable.length === 0}
        loading={retry.isPending}
        onClick={() => retry.mutate(retriable, { onSuccess: clear })}
      >
        Retry {retriable.length}
      </Button>
      <Button
        variant="default"
        leftSection={<IconX size={14} />}
        disabled={cancellable.length === 0}
        loading={cancel.isPending}
        onClick={() => cancel.mutate(cancellable, { onSuccess: clear })}
      >
        Cancel {cancellable.length}
      </Button>
    </div>
  );
}

function Nothing({ tab, filtered }: { tab: Tab; filtered: boolean }) {
  const navigate = useNavigate();
  if (filtered)
    return (
      <Empty
        icon={IconSend}
        title="No job matches"
        action={
          <Button
            variant="default"
            onClick={() => void navigate({ to: '/console/jobs', search: { tab } })}
          >
            Clear the filters
          </Button>
        }
      >
        Widen the time or choose another webhook.
      </Empty>
    );
  if (tab === 'failed')
    return (
      <Empty icon={IconSend} title="Nothing has failed">
        A job that gives up appears here with the exact request, the answer and a button to retry
        it.
      </Empty>
    );
  if (tab === 'queued')
    return (
      <Empty icon={IconSend} title="Nothing waits">
        Jobs that wait for their first or next attempt appear here.
      </Empty>
    );
  return (
    <Empty
      icon={IconSend}
      title="No webhook has fired yet"
      action={
        <Button onClick={() => void navigate({ to: '/console/webhooks' })}>Open webhooks</Button>
      }
    >
      When something happens that a webhook listens to, a job records when, where to, what was sent
      and what came back.
    </Empty>
  );
}

function columns(
  picked: ReadonlySet<string>,
  setPicked: (next: ReadonlySet<string>) => void,
): Column<WebhookJob>[] {
  const pick = (id: string) => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    setPicked(next);
  };
  return [
    {
      title: <VisuallyHidden>Selected</VisuallyHidden>,
      width: 36,
      cell: (job) => (
        <Checkbox
          size="xs"
          aria-label={`Select ${job.name}`}
          checked={picked.has(job.id)}
          onChange={() => pick(job.id)}
        />
      ),
    },
    { title: 'Status', width: 122, cell: (job) => <Status of={job.status} /> },
    {
      title: 'Webhook',
      width: '17%',
      clip: true,
      cell: (job) => (
        <To to="/console/jobs/$id" params={{ id: job.id }} className="kp-strong">
          {job.name}
        </To>
      ),
    },
    {
      title: 'Event',
      width: '18.5%',
      clip: true,
      cell: (job) => typeAndEvent(job.type, job.event),
    },
    {
      title: 'Target',
      clip: true,
      cell: (job) => (
        <span className="kp-dim" title={job.url}>
          {target(job.url).short}
        </span>
      ),
    },
    { title: 'Answer', width: '15%', clip: true, cell: (job) => answer(job) },
    { title: 'Retries', width: 60, align: 'right', cell: (job) => job.retryCount },
    {
      title: 'When',
      width: 96,
      cell: (job) => <When at={job.createdAt ?? job.scheduledAt} />,
    },
  ];
}
