// A run along time: one bar for each execution of a node, iterations of loops folded into one.
import type { NodeState, RunView, RunViewNode, TaskRecord } from '../api/types';

export interface Bar {
  kind: 'task' | 'iteration';
  key: string;
  label: string;
  state: NodeState;
  /** Milliseconds since the epoch. */
  start: number;
  /** Undefined while it is open. */
  end: number | undefined;
  /** The node, when it is one execution of it. */
  nodeId?: string;
  definitionId?: string;
  task?: TaskRecord;
  /** Failed attempts, in milliseconds since the epoch. */
  attempts: number[];
  /** What an iteration holds, in order of time. */
  inside: Bar[];
}

/** A bar that is shown, and how deep it lies in iterations. */
export interface Row {
  bar: Bar;
  depth: number;
}

interface Message {
  type?: string;
  text?: string;
  at?: string;
  attempt?: number;
  nextAt?: string | null;
}

export const messagesOf = (task: TaskRecord): Message[] => (task.messages ?? []) as Message[];

const WORST: NodeState[] = ['error', 'waiting', 'running', 'none', 'skipped', 'complete'];

const worst = (states: NodeState[]): NodeState =>
  WORST.find((state) => states.includes(state)) ?? 'complete';

/** The state of one execution; the node's own state is that of all of them together. */
export function taskState(view: RunView, node: RunViewNode, task: TaskRecord): NodeState {
  const failed = (view.errors ?? []).some(
    (error) => error.status === 'Active' && error.taskSeq === task.seq,
  );
  if (failed) return 'error';
  if (task.status === 'Closed') return node.state === 'error' && only(node) ? 'error' : 'complete';
  return task.deferred || node.state === 'waiting' ? 'waiting' : 'running';
}

const only = (node: RunViewNode) => node.tasks?.length === 1;

/** The parts of a loop index: "/2#0/5#1" is iteration 1 of loop 5 in iteration 0 of loop 2. */
export const loopParts = (index: string | null | undefined): string[] =>
  (index ?? '').split('/').filter(Boolean);

/** The node whose id ends with a loop's number. */
const headOf = (view: RunView, number: string) =>
  view.nodes.find((node) => /loop_head/.test(node.definitionId) && node.id.endsWith(`_${number}`));

/** "Each laptop, iteration 3", counted from 1 as people do. */
export function loopLabel(view: RunView, part: string): string {
  const [number = '', iteration = '0'] = part.split('#');
  const name = headOf(view, number)?.name ?? `Loop ${number}`;
  return `${name} · iteration ${Number(iteration) + 1}`;
}

/** All bars of a run in order of time; what belongs to an iteration lies inside of it. */
export function barsOf(view: RunView | undefined): Bar[] {
  if (!view) return [];
  const top: Bar[] = [];
  const iterations = new Map<string, Bar>();
  const placeOf = (index: string | null | undefined): Bar[] => {
    let path = '';
    let list = top;
    for (const part of loopParts(index)) {
      path += `/${part}`;
      let found = iterations.get(path);
      if (!found) {
        found = {
          ...{ kind: 'iteration' as const, key: path, label: loopLabel(view, part) },
          ...{ state: 'complete' as const, start: 0, end: undefined, attempts: [], inside: [] },
        };
        iterations.set(path, found);
        list.push(found);
      }
      list = found.inside;
    }
    return list;
  };
  for (const node of view.nodes)
    for (const task of node.tasks ?? []) placeOf(task.loopIndex).push(barOf(view, node, task));
  return settled(top);
}

function barOf(view: RunView, node: RunViewNode, task: TaskRecord): Bar {
  const end = task.finishedAt ? Date.parse(task.finishedAt) : undefined;
  return {
    kind: 'task',
    key: `task ${task.id}`,
    label: node.name,
    state: taskState(view, node, task),
    start: Date.parse(task.startedAt ?? task.createdAt ?? ''),
    end,
    nodeId: node.id,
    definitionId: node.definitionId,
    task,
    attempts: messagesOf(task)
      .filter((message) => message.type === 'Attempt' && message.at)
      .map((message) => Date.parse(message.at!)),
    inside: [],
  };
}

/** Orders bars by time, and gives iterations the stretch and the state of what they hold. */
function settled(bars: Bar[]): Bar[] {
  for (const bar of bars.filter((one) => one.kind === 'iteration')) {
    settled(bar.inside);
    bar.start = Math.min(...bar.inside.map((one) => one.start));
    const ends = bar.inside.map((one) => one.end);
    bar.end = ends.includes(undefined) ? undefined : Math.max(...(ends as number[]));
    bar.state = worst(bar.inside.map((one) => one.state));
  }
  return bars.sort((a, b) => a.start - b.start || seqOf(a) - seqOf(b));
}

const seqOf = (bar: Bar): number => bar.task?.seq ?? bar.inside[0]?.task?.seq ?? 0;

/** What is shown: iterations are closed unless their key is among the open ones. */
export function rowsOf(bars: Bar[], open: ReadonlySet<string>, depth = 0): Row[] {
  return bars.flatMap((bar) => [
    { bar, depth },
    ...(open.has(bar.key) ? rowsOf(bar.inside, open, depth + 1) : []),
  ]);
}

/** Keys of the iterations that should be open at first: those that need a look, and few ones. */
export function openAtFirst(bars: Bar[]): string[] {
  const iterations = bars.filter((bar) => bar.kind === 'iteration');
  const few = iterations.length <= 3;
  return iterations
    .filter((bar) => few || bar.state === 'error')
    .flatMap((bar) => [bar.key, ...openAtFirst(bar.inside)]);
}

export interface Span {
  from: number;
  to: number;
}

/** From the first beginning to the last end, or to now while something is open. */
export function spanOf(bars: Bar[], now: number): Span | undefined {
  if (bars.length === 0) return undefined;
  const from = Math.min(...bars.map((bar) => bar.start));
  const to = Math.max(...bars.map((bar) => bar.end ?? now));
  return { from, to: Math.max(to, from + 1) };
}

/** Where a bar begins and how long it is, as shares of the span; never too thin to see. */
export function shareOf(bar: Pick<Bar, 'start' | 'end'>, span: Span, now: number) {
  const whole = span.to - span.from;
  const left = Math.min(Math.max((bar.start - span.from) / whole, 0), 1);
  const length = Math.max((bar.end ?? now) - bar.start, 0) / whole;
  return { left, width: Math.min(length, 1 - left) };
}
