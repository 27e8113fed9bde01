// What can be read out of a run's view: results a node should have, links between nodes and records.
import type { RunView, RunViewNode, TaskRecord, WaitingFor } from '../api/types';

/** `@results['Name']['Key']`, with either quote. */
const RESULT = /@results\[\s*(['"])(.+?)\1\s*\]\s*\[\s*(['"])(.+?)\3\s*\]/g;

/** The results of a node that the rest of the tree asks for, in the order it does. */
export function resultsAskedOf(view: RunView, name: string): string[] {
  const texts = [
    ...view.connectors.map((one) => one.value ?? ''),
    ...view.nodes.flatMap((node) => (node.parameters ?? []).map((one) => one.value ?? '')),
  ];
  const keys = texts.flatMap((text) =>
    [...text.matchAll(RESULT)].filter((hit) => hit[2] === name).map((hit) => hit[4]!),
  );
  return [...new Set(keys)].filter((key) => key !== 'deferral_token' && key !== 'Deferral Token');
}

/** The submission in which this run left a token: an approval, usually. */
export function submissionWith(view: RunView, token: string): string | undefined {
  const tasks = view.nodes.flatMap((node) => node.tasks ?? []);
  const made = tasks.find((task) =>
    Object.values(task.inputs ?? {}).some((value) => value === token),
  );
  const results = made?.results ?? {};
  const id = results['Submission Id'] ?? results['Id'] ?? results['submission_id'];
  return typeof id === 'string' && id ? id : undefined;
}

/** The execution that a wait belongs to. */
export function taskOf(view: RunView, wait: WaitingFor): TaskRecord | undefined {
  const node = view.nodes.find((one) => one.id === (wait.nodeId ?? wait.node));
  const open = (node?.tasks ?? []).filter((task) => task.status !== 'Closed');
  return open.find((task) => wait.token && task.token === wait.token) ?? open[0];
}

/** Executions of a node that are not finished. */
export const openTasks = (node: RunViewNode): TaskRecord[] =>
  (node.tasks ?? []).filter((task) => task.status !== 'Closed');

/** What a cancellation takes with it, in words; empty when the run alone ends. */
export function cancelled(waits: WaitingFor[]): string[] {
  const kinds = (kind: string) => waits.filter((wait) => wait.kind === kind);
  const tokens = kinds('deferral').length;
  const timers = kinds('timer').length + kinds('retry').length;
  const children = kinds('child').map((wait) => `run ${wait.runId}`);
  return [
    ...(children.length
      ? [`${children.join(', ')} ${children.length === 1 ? 'is' : 'are'} cancelled with it.`]
      : []),
    ...(tokens
      ? [
          tokens === 1
            ? 'One answer is waited for; whoever gives it is told that the run was cancelled.'
            : `${tokens} answers are waited for; whoever gives one is told that the run was cancelled.`,
        ]
      : []),
    ...(timers ? [timers === 1 ? 'One timer is stopped.' : `${timers} timers are stopped.`] : []),
  ];
}

/** Only what was changed, compared with what was evaluated; nothing is sent for the rest. */
export function edited(
  before: Record<string, string>,
  after: Record<string, string>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(after).filter(([name, text]) => before[name] !== text));
}

/** Values as texts, as parameters are. */
export const asTexts = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
