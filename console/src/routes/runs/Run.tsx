// One run: where it is, why, and what each node was given and gave back.
import { Tabs } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { run as runQuery } from '../../api/runs';
import { titleOf } from '../../api/trees';
import type { Run, RunView } from '../../api/types';
import { runState } from '../../logic/states';
import { between, duration } from '../../logic/time';
import { Body } from '../../parts/Body';
import { LinkButton } from '../../parts/Button';
import { ShortId } from '../../parts/Copy';
import { Facts, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useNow, When } from '../../parts/When';
import { useOpenApprovals, type Approval } from '../approvals/useApprovals';
import { Picture } from '../trees/Picture';
import { Obstacles } from './Obstacles';
import { RunNode } from './RunNode';
import { Steps } from './Steps';

const route = getRouteApi('/frame/console/runs/$id');

export function RunPage() {
  const { id } = route.useParams();
  const { data: run, error, refetch } = useQuery(runQuery(id));
  const approvals = useRunApprovals(run?.view);
  if (error) return <Fault what={`Run ${id}`} error={error} retry={() => void refetch()} />;
  if (!run) return <Waiting rows={6} />;
  const title = run.tree ? titleOf(run.tree) : run.view?.tree;
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
        actions={approvals.map((one) => (
          <LinkButton
            key={one.submission.id}
            to="/console/submissions/$id"
            params={{ id: one.submission.id }}
            leftSection={<IconChecklist size={14} />}
          >
            Open the approval
          </LinkButton>
        ))}
      />
      <Obstacles run={run} approvals={approvals} />
      <Inside run={run} title={title} />
    </>
  );
}

/** The open approvals whose token is one that this run waits for. */
function useRunApprovals(view: RunView | undefined): Approval[] {
  const open = useOpenApprovals();
  const tokens = new Set((view?.waitingFor ?? []).map((one) => one.token).filter(Boolean));
  return open.filter((one) => one.token && tokens.has(one.token));
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
  return (
    <div className="kp-cols">
      <Tabs
        value={search.tab ?? 'picture'}
        onChange={(tab) => set({ tab: tab === 'picture' ? undefined : (tab ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="picture">Picture</Tabs.Tab>
          <Tabs.Tab value="steps">Steps</Tabs.Tab>
          <Tabs.Tab value="data">Data it started with</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="picture">
          <Panel flush label="Picture">
            {view ? (
              <Picture
                label={`Picture of run ${run.id}`}
                nodes={view.nodes}
                connectors={view.connectors}
                selected={search.node}
                select={(id) => set({ node: id })}
              />
            ) : (
              <div className="kp-panel-body kp-dim">The server sent no picture of this run.</div>
            )}
          </Panel>
          <Legend />
        </Tabs.Panel>
        <Tabs.Panel value="steps">
          <Steps view={view} select={(id) => set({ node: id })} />
        </Tabs.Panel>
        <Tabs.Panel value="data">
          <Panel title="Source data">
            <Body label="Source data" text={run.sourceData} maxHeight={560} />
          </Panel>
        </Tabs.Panel>
      </Tabs>
      {node && view ? (
        <RunNode node={node} view={view} close={() => set({ node: undefined })} />
      ) : (
        <Panel title="About">
          <About run={run} title={title} />
        </Panel>
      )}
    </div>
  );
}

function Legend() {
  return (
    <p className="kp-dim" style={{ fontSize: 12.5, margin: '8px 2px' }}>
      Solid connectors were taken, dashed ones were not. Select a node for its inputs and results.
    </p>
  );
}

function About({ run, title }: { run: Run; title: string | undefined }) {
  const now = useNow(1000);
  const end = run.finishedAt ?? (/complete|cancel/i.test(run.status) ? run.updatedAt : undefined);
  const view = run.view;
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
        ['Record', <RecordLink run={run} />],
        [
          'Job',
          view?.jobId && (
            <To to="/console/jobs/$id" params={{ id: view.jobId }} strong>
              Open the job
            </To>
          ),
        ],
        [
          'Event',
          view?.eventId && (
            <To to="/console/activity/$id" params={{ id: view.eventId }} strong>
              Open the event
            </To>
          ),
        ],
        ['Trace', <ShortId id={view?.traceId} label="trace id" />],
      ]}
    />
  );
}

/** The record the run is about: a link when its data tells that it is a submission. */
function RecordLink({ run }: { run: Run }) {
  if (!run.sourceId) return null;
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
