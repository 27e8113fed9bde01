// One run: where it is, why, and what each node was given and gave back.
import { Tabs } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { errorsOf } from '../../api/errors';
import { run as runQuery } from '../../api/runs';
import { titleOf } from '../../api/trees';
import type { Run, RunView } from '../../api/types';
import { submissionWith } from '../../logic/runs';
import { runState } from '../../logic/states';
import { between, duration } from '../../logic/time';
import { LinkButton } from '../../parts/Button';
import { ShortId } from '../../parts/Copy';
import { Facts, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useNow, When } from '../../parts/When';
import { Picture } from '../trees/Picture';
import { Obstacles } from './Obstacles';
import { Related } from './Related';
import { RunActions } from './RunActions';
import { RunData } from './RunData';
import { RunNode } from './RunNode';
import { Steps } from './Steps';
import { Waterfall } from './Waterfall';
import './runs.css';

const route = getRouteApi('/frame/console/runs/$id');

export function RunPage() {
  const { id } = route.useParams();
  const { data: run, error, refetch } = useQuery(runQuery(id));
  const errors = useQuery({ ...errorsOf(Number(id)), enabled: run !== undefined });
  if (error) return <Fault what={`Run ${id}`} error={error} retry={() => void refetch()} />;
  if (!run) return <Waiting rows={6} />;
  const title = run.tree ? titleOf(run.tree) : run.view?.tree;
  const retryable = (errors.data ?? []).filter((one) => one.actions?.includes('Retry Task'));
  return (
    <>
      <Head
        title={`Run ${id}`}
        beside={
          <span aria-live="polite">
            <Status of={runState(run)} pill />
          </span>
        }
        lead={title && <TreeLink title={title} />}
        crumbs={[<To to="/console/runs">Runs</To>, run.tree?.sourceGroup ?? `Run ${id}`]}
        actions={
          <>
            <OpenApproval view={run.view} />
            <RunActions run={run} retryable={retryable.length} />
          </>
        }
      />
      <Obstacles run={run} errors={errors.data ?? []} />
      <Inside run={run} title={title} />
    </>
  );
}

/** Leads to the submission in which the run left the token it waits for, if there is just one. */
function OpenApproval({ view }: { view: RunView | undefined }) {
  const tokens = (view?.waitingFor ?? []).flatMap((one) => one.token ?? []);
  const found = [...new Set(tokens.flatMap((token) => submissionWith(view!, token) ?? []))];
  if (found.length !== 1) return null;
  return (
    <LinkButton
      to="/console/submissions/$id"
      params={{ id: found[0]! }}
      leftSection={<IconChecklist size={14} />}
    >
      Open the approval
    </LinkButton>
  );
}

function TreeLink({ title }: { title: string }) {
  return (
    <To to="/console/trees/$title" params={{ title }} search={{}}>
      {title}
    </To>
  );
}

function Inside({ run, title }: { run: Run; title: string | undefined }) {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/runs/$id' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const view = run.view;
  const node = view?.nodes.find((one) => one.id === search.node);
  const select = (id: string | undefined, task?: string) => set({ node: id, task });
  return (
    <div className="kp-cols">
      <Tabs
        value={search.tab ?? 'picture'}
        onChange={(tab) => set({ tab: tab === 'picture' ? undefined : (tab ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="picture">Picture</Tabs.Tab>
          <Tabs.Tab value="waterfall">Waterfall</Tabs.Tab>
          <Tabs.Tab value="steps">Steps</Tabs.Tab>
          <Tabs.Tab value="data">Data</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="picture">
          <Panel flush label="Picture">
            {view ? (
              <Picture
                label={`Picture of run ${run.id}`}
                nodes={view.nodes}
                connectors={view.connectors}
                selected={search.node}
                select={select}
              />
            ) : (
              <div className="kp-panel-body kp-dim">The server sent no picture of this run.</div>
            )}
          </Panel>
          <Legend />
        </Tabs.Panel>
        <Tabs.Panel value="waterfall">
          <Waterfall view={view} selected={search.node} select={select} />
        </Tabs.Panel>
        <Tabs.Panel value="steps">
          <Steps view={view} select={select} />
        </Tabs.Panel>
        <Tabs.Panel value="data">
          <RunData run={run} />
        </Tabs.Panel>
      </Tabs>
      {node && view ? (
        <RunNode
          key={node.id}
          runId={run.id}
          node={node}
          view={view}
          task={search.task}
          choose={(task) => set({ task })}
          close={() => select(undefined)}
        />
      ) : (
        <div className="kp-stack">
          <Panel title="About" label="About">
            <About run={run} title={title} />
          </Panel>
          <Related run={run} />
        </div>
      )}
    </div>
  );
}

function Legend() {
  return (
    <p className="kp-dim" style={{ fontSize: 12.5, margin: '8px 2px' }}>
      Green connectors were taken, dashed ones were not; a condition shows what it came to. Select a
      node for its inputs and results.
    </p>
  );
}

function About({ run, title }: { run: Run; title: string | undefined }) {
  const now = useNow(1000);
  const end = run.finishedAt ?? (/complete|cancel/i.test(run.status) ? run.updatedAt : undefined);
  return (
    <Facts
      rows={[
        ['Tree', title && <TreeLink title={title} />],
        ['Started', <When at={run.createdAt} />],
        ['Started by', run.createdBy],
        [
          end ? 'Took' : 'Going for',
          duration(between(run.createdAt, end ?? new Date(now).toISOString())),
        ],
        ['Record', run.sourceId && <RecordLink run={run} />],
      ]}
    />
  );
}

/** The record the run is about: a link when its data tells that it is a submission. */
function RecordLink({ run }: { run: Run }) {
  if (!run.sourceId) return undefined;
  const datastore = /"type"\s*:\s*"Datastore Submission"/.test(run.sourceData ?? '');
  const isSubmission = /"submission"\s*:/.test(run.sourceData ?? '');
  if (!isSubmission) return <ShortId id={run.sourceId} label="record id" />;
  return datastore ? (
    <To to="/console/datastore/submissions/$id" params={{ id: run.sourceId }} strong>
      Open the submission
    </To>
  ) : (
    <To to="/console/submissions/$id" params={{ id: run.sourceId }} strong>
      Open the submission
    </To>
  );
}
