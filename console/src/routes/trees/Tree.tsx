// One tree: its picture, what each node was told, its problems and its recent runs.
import { Button } from '@mantine/core';
import { IconDownload, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { runsOf } from '../../api/runs';
import { exportTree, tree as treeQuery } from '../../api/trees';
import type { Tree, TreeJson } from '../../api/types';
import { runState } from '../../logic/states';
import { plural } from '../../logic/text';
import { definitionOf, problemNode, problemPlace } from '../../logic/trees';
import { LinkButton } from '../../parts/Button';
import { failed } from '../../parts/notify';
import { Facts, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { NodePanel } from './NodePanel';
import { Picture } from './Picture';

const route = getRouteApi('/frame/console/trees/$title');

export function TreePage() {
  const { title } = route.useParams();
  const { node } = route.useSearch();
  const navigate = useNavigate({ from: '/console/trees/$title' });
  const { data: tree, error, refetch } = useQuery(treeQuery(title));
  const definition = useMemo(() => definitionOf(tree), [tree]);
  const picture = useMemo(() => pictureOf(tree, definition), [tree, definition]);
  if (error) return <Fault what={`Tree ${title}`} error={error} retry={() => void refetch()} />;
  if (!tree) return <Waiting rows={6} />;
  const chosen = definition.nodes.find((one) => one.id === node);
  const select = (id: string | undefined) => void navigate({ search: { node: id }, replace: true });
  return (
    <>
      <Head
        title={tree.name}
        beside={<Status of={tree.status} pill />}
        lead={tree.notes}
        crumbs={[<To to="/console/trees">Trees</To>, tree.sourceName, tree.sourceGroup]}
        actions={<Actions tree={tree} title={title} />}
      />
      <Problems tree={tree} definition={definition} select={select} />
      <div className="kp-cols">
        <Panel flush label="Picture">
          <Picture
            label={`Picture of ${title}`}
            nodes={picture}
            connectors={definition.connectors}
            selected={node}
            select={select}
          />
        </Panel>
        {chosen ? (
          <NodePanel
            node={chosen}
            outgoing={definition.connectors.filter((one) => one.from === chosen.id)}
            nameOf={(id) => definition.nodes.find((one) => one.id === id)?.name ?? id}
            close={() => select(undefined)}
          />
        ) : (
          <div className="kp-stack">
            <Panel title="About">
              <About tree={tree} definition={definition} />
            </Panel>
            <RecentRuns title={title} />
          </div>
        )}
      </div>
    </>
  );
}

function pictureOf(tree: Tree | undefined, definition: TreeJson) {
  const broken = new Set((tree?.problems ?? []).map(problemNode));
  return definition.nodes.map((node) => ({
    id: node.id,
    name: node.name,
    definitionId: node.definitionId,
    x: node.position?.x,
    y: node.position?.y,
    problem: broken.has(node.id),
  }));
}

interface ProblemProps {
  tree: Tree;
  definition: TreeJson;
  select: (id: string | undefined) => void;
}

function Problems({ tree, definition, select }: ProblemProps) {
  const problems = tree.problems ?? [];
  if (problems.length === 0) return null;
  const names = new Map(definition.nodes.map((node) => [node.id, node.name]));
  return (
    <div style={{ marginBottom: 16 }}>
      <Panel
        title={
          <>
            <Status of={{ word: plural(problems.length, 'problem'), tone: 'bad' }} />
            <span className="kp-dim" style={{ fontWeight: 400 }}>
              {' '}
              a run that gets there will stop
            </span>
          </>
        }
        label="Problems"
      >
        <ul style={{ margin: 0, paddingLeft: 18, fontSize: 13.5 }}>
          {problems.map((problem, index) => (
            <li key={index} style={{ marginBottom: 4 }}>
              <button
                type="button"
                className="kp-id"
                style={{ cursor: 'pointer' }}
                onClick={() => select(problemNode(problem))}
              >
                {problemPlace(problem, names) || 'The tree'}
              </button>{' '}
              {problem.message}
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}

function About({ tree, definition }: { tree: Tree; definition: TreeJson }) {
  return (
    <Facts
      rows={[
        ['Source', tree.sourceName],
        ['Group', tree.sourceGroup],
        ['Kind', tree.type],
        ['Version', tree.versionId],
        ['Nodes', definition.nodes.length],
        ['Changed', <When at={tree.updatedAt ?? tree.createdAt} />],
        ['By', tree.updatedBy ?? tree.createdBy],
      ]}
    />
  );
}

function RecentRuns({ title }: { title: string }) {
  const { data } = useQuery(runsOf({ tree: title }, 8));
  return (
    <Panel
      title="Recent runs"
      actions={
        <To to="/console/runs" search={{ tree: title }} strong style={{ fontSize: 13 }}>
          All
        </To>
      }
    >
      {!data && <Waiting rows={3} height={14} />}
      {data?.length === 0 && <span className="kp-dim">It has not run yet.</span>}
      <div style={{ display: 'grid', gap: 8, fontSize: 13.5 }}>
        {data?.map((run) => (
          <div key={run.id} style={{ display: 'flex', gap: 10 }}>
            <To to="/console/runs/$id" params={{ id: String(run.id) }} strong>
              Run {run.id}
            </To>
            <Status of={runState(run)} />
            <span className="kp-dim" style={{ marginLeft: 'auto' }}>
              <When at={run.createdAt} />
            </span>
          </div>
        ))}
      </div>
    </Panel>
  );
}

function Actions({ tree, title }: { tree: Tree; title: string }) {
  const save = useMutation({
    mutationFn: () => exportTree(title),
    onSuccess: (xml) => download(`${title.replace(/[^\w.-]+/g, '-').toLowerCase()}.xml`, xml),
    onError: (error) => failed(`${tree.name} could not be exported`, error),
  });
  return (
    <>
      <LinkButton
        variant="default"
        to="/console/runs"
        search={{ tree: title }}
        leftSection={<IconPlayerPlay size={14} />}
      >
        Runs
      </LinkButton>
      <Button
        variant="default"
        leftSection={<IconDownload size={14} />}
        loading={save.isPending}
        onClick={() => save.mutate()}
      >
        Export
      </Button>
    </>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/xml' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
