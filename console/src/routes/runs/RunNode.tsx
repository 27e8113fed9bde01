// One node of a run: parameters as written and as evaluated, results, and where it went from here.
import { ActionIcon, Select } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { type ReactNode } from 'react';
import type { RunView, RunViewConnector, RunViewNode, TaskRecord } from '../../api/types';
import { handler } from '../../logic/handlers';
import { openTasks } from '../../logic/runs';
import { stateOf } from '../../logic/states';
import { inline } from '../../logic/text';
import { between, duration } from '../../logic/time';
import { loopLabel, loopParts, messagesOf, taskState } from '../../logic/waterfall';
import { ShortId } from '../../parts/Copy';
import { Facts, Panel } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { When } from '../../parts/When';
import { OpenTask } from './OpenTask';

interface Props {
  runId: number | string;
  node: RunViewNode;
  view: RunView;
  /** The execution that is looked at, when there are several. */
  task: string | undefined;
  choose: (task: string | undefined) => void;
  close: () => void;
}

export function RunNode({ runId, node, view, task: chosen, choose, close }: Props) {
  const tasks = node.tasks ?? [];
  const task = tasks.find((one) => String(one.id) === chosen) ?? tasks.at(-1);
  const nameOf = (id: string) => view.nodes.find((one) => one.id === id)?.name ?? id;
  const outgoing = view.connectors.filter((one) => one.from === node.id);
  return (
    <Panel
      title={node.name}
      label={`Node ${node.name}`}
      actions={
        <ActionIcon aria-label="Close the node" onClick={close} size="sm">
          <IconX size={15} />
        </ActionIcon>
      }
    >
      <div className="kp-stack">
        <div>
          <Status of={node.state} pill />
          <p className="kp-dim" style={{ margin: '8px 0 0', fontSize: 13 }}>
            {handler(node.definitionId).label} ·{' '}
            <span className="kp-mono">{node.definitionId}</span>
          </p>
        </div>
        {tasks.length > 1 && (
          <Select
            size="xs"
            label={`Executions (${tasks.length.toLocaleString('en')})`}
            searchable
            data={tasks.map((one) => ({ value: String(one.id), label: named(view, node, one) }))}
            value={task && String(task.id)}
            allowDeselect={false}
            onChange={(id) => choose(id ?? undefined)}
          />
        )}
        {task && taskState(view, node, task) !== 'error' && openTasks(node).includes(task) && (
          <OpenTask runId={runId} view={view} nodeName={node.name} task={task} />
        )}
        {!task ? (
          <>
            <p className="kp-dim" style={{ margin: 0, fontSize: 13.5 }}>
              The run has not been here.
            </p>
            <Written node={node} />
          </>
        ) : (
          <Execution key={task.id} node={node} task={task} />
        )}
        {outgoing.length > 0 && (
          <Block title="Where it leads">
            {outgoing.map((one, index) => (
              <Way key={index} connector={one} name={nameOf(one.to)} />
            ))}
          </Block>
        )}
      </div>
    </Panel>
  );
}

/** "Each laptop · iteration 2, Complete", or its number in the run. */
function named(view: RunView, node: RunViewNode, task: TaskRecord): string {
  const parts = loopParts(task.loopIndex);
  const where = parts.length
    ? parts.map((part) => loopLabel(view, part)).join(', ')
    : `Task ${task.seq ?? task.id}`;
  return `${where}: ${stateOf(taskState(view, node, task)).word}`;
}

function Block({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <h3 style={{ fontSize: 12.5, margin: '0 0 6px' }}>{title}</h3>
      {children}
    </div>
  );
}

function Written({ node }: { node: RunViewNode }) {
  const rows = (node.parameters ?? []).filter((one) => one.value);
  if (rows.length === 0) return null;
  return (
    <Block title="Parameters as written">
      <div style={{ display: 'grid', gap: 8 }}>
        {rows.map((one) => (
          <div key={one.id}>
            <div className="kp-dim" style={{ fontSize: 12.5 }}>
              {one.label || one.id}
            </div>
            <pre className="kp-code">{one.value}</pre>
          </div>
        ))}
      </div>
    </Block>
  );
}

function Execution({ node, task }: { node: RunViewNode; task: TaskRecord }) {
  const inputs = task.inputs ?? task.parameters ?? {};
  const took = task.duration ?? between(task.startedAt ?? task.createdAt, task.finishedAt);
  const loop = task.loopIndex && task.loopIndex !== '/' ? task.loopIndex : undefined;
  return (
    <>
      <Facts
        rows={[
          ['Started', <When at={task.startedAt ?? task.createdAt} />],
          [task.finishedAt ? 'Took' : 'Open', task.finishedAt ? duration(took) : 'not finished'],
          ['Loop index', loop && <span className="kp-mono">{loop}</span>],
          ...(task.deferred && task.token
            ? [['Token', <ShortId id={task.token} label="token" />] as [string, ReactNode]]
            : []),
        ]}
      />
      <Messages task={task} />
      <Parameters node={node} inputs={inputs} />
      <Results title="Results" values={task.results} />
      <Results title="Results of the answer" values={task.deferredResults} />
    </>
  );
}

/** What happened at the task: failed attempts with their times, updates, corrections. */
function Messages({ task }: { task: TaskRecord }) {
  const messages = messagesOf(task).filter((one) => one.text || one.attempt);
  if (messages.length === 0) return null;
  const attempts = messages.some((one) => one.type === 'Attempt');
  return (
    <Block title={attempts ? 'Attempts and messages' : 'Messages'}>
      <ol className="kp-messages">
        {messages.map((one, index) => (
          <li key={index}>
            <span className="kp-dim">
              {one.attempt ? `Attempt ${one.attempt}` : (one.type ?? 'Message')}
              {one.at && (
                <>
                  , <When at={one.at} />
                </>
              )}
            </span>
            <div style={{ overflowWrap: 'anywhere' }}>{one.text}</div>
            {one.nextAt && index === messages.length - 1 && (
              <span className="kp-dim">
                next attempt <When at={one.nextAt} />
              </span>
            )}
          </li>
        ))}
      </ol>
    </Block>
  );
}

/** Each parameter once: what it came to, and under it how it was written where that differs. */
function Parameters({ node, inputs }: { node: RunViewNode; inputs: Record<string, unknown> }) {
  const written = new Map((node.parameters ?? []).map((one) => [one.id, one]));
  const names = [...new Set([...written.keys(), ...Object.keys(inputs)])].filter(
    (name) => inputs[name] !== undefined || written.get(name)?.value,
  );
  if (names.length === 0) return null;
  return (
    <Block title="Parameters">
      <div style={{ display: 'grid', gap: 10 }}>
        {names.map((name) => {
          const text = written.get(name)?.value ?? '';
          const value = inputs[name] === undefined ? undefined : shown(inputs[name]);
          return (
            <div key={name}>
              <div className="kp-dim" style={{ fontSize: 12.5, marginBottom: 2 }}>
                {written.get(name)?.label || name}
              </div>
              {value !== undefined && <pre className="kp-code">{value || ' '}</pre>}
              {text && text !== value && (
                <div style={{ marginTop: 4, fontSize: 12, overflowWrap: 'anywhere' }}>
                  <span className="kp-dim">{value === undefined ? '' : 'from '}</span>
                  <span className="kp-mono kp-dim">{text}</span>
                </div>
              )}
            </div>
          );
        })}
      </div>
    </Block>
  );
}

function Results({ title, values }: { title: string; values?: Record<string, unknown> | null }) {
  const rows = Object.entries(values ?? {});
  if (rows.length === 0) return null;
  return (
    <Block title={title}>
      <div style={{ display: 'grid', gap: 8 }}>
        {rows.map(([name, value]) => (
          <div key={name}>
            <div className="kp-dim" style={{ fontSize: 12.5, marginBottom: 2 }}>
              {name}
            </div>
            <pre className="kp-code" style={{ maxHeight: 220, overflow: 'auto' }}>
              {shown(value) || ' '}
            </pre>
          </div>
        ))}
      </div>
    </Block>
  );
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2);

function Way({ connector, name }: { connector: RunViewConnector; name: string }) {
  const taken = connector.taken;
  const state =
    taken === true
      ? { word: 'Taken', tone: 'good' as const }
      : taken === false
        ? { word: 'Not taken', tone: 'off' as const }
        : { word: 'Not reached', tone: 'idle' as const };
  return (
    <div style={{ fontSize: 13.5, marginBottom: 8 }}>
      <div style={{ display: 'flex', justifyContent: 'space-between', gap: 10 }}>
        <span>{name}</span>
        <Status of={state} />
      </div>
      {connector.value && (
        <div style={{ marginTop: 3 }}>
          <code className="kp-tag" style={{ overflowWrap: 'anywhere' }}>
            {connector.value}
          </code>
          {connector.evaluated !== undefined && connector.evaluated !== null && (
            <span className="kp-dim" style={{ fontSize: 12.5 }}>
              {' '}
              was {inline(connector.evaluated)}
            </span>
          )}
        </div>
      )}
    </div>
  );
}
