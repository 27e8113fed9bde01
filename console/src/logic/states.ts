// Every state the console shows, as word and tone. The icon is chosen by tone in the Status part.
import type { NodeState, RunView, TaskRecord } from '../api/types';

export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'idle' | 'wait' | 'off';

export interface State {
  word: string;
  tone: Tone;
}

const STATES: Record<string, State> = {
  // Jobs
  queued: { word: 'Queued', tone: 'wait' },
  'in progress': { word: 'In progress', tone: 'busy' },
  complete: { word: 'Complete', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'off' },
  // Runs and nodes
  staged: { word: 'Staged', tone: 'idle' },
  started: { word: 'Running', tone: 'busy' },
  running: { word: 'Running', tone: 'busy' },
  waiting: { word: 'Waiting', tone: 'wait' },
  error: { word: 'Error', tone: 'bad' },
  skipped: { word: 'Skipped', tone: 'off' },
  none: { word: 'Not reached', tone: 'idle' },
  // Tasks
  new: { word: 'New', tone: 'idle' },
  'work in progress': { word: 'Waiting', tone: 'wait' },
  closed: { word: 'Closed', tone: 'good' },
  // Errors
  handled: { word: 'Handled', tone: 'good' },
  // Submissions, trees, forms, users
  draft: { word: 'Draft', tone: 'wait' },
  submitted: { word: 'Submitted', tone: 'busy' },
  active: { word: 'Active', tone: 'good' },
  enabled: { word: 'Active', tone: 'good' },
  inactive: { word: 'Inactive', tone: 'off' },
  disabled: { word: 'Disabled', tone: 'off' },
  paused: { word: 'Paused', tone: 'wait' },
  // Verdicts
  fired: { word: 'Fired', tone: 'good' },
  not_matched: { word: 'Not matched', tone: 'off' },
  filter_error: { word: 'Filter error', tone: 'bad' },
  url_error: { word: 'Address error', tone: 'bad' },
  depth_limit: { word: 'Stopped: too deep', tone: 'bad' },
};

export function stateOf(name: string | null | undefined): State {
  if (!name) return { word: 'Unknown', tone: 'idle' };
  return STATES[name.toLowerCase()] ?? { word: name, tone: 'idle' };
}

/** An error that is open is bad news, whatever the word says. */
export const errorState = (status: string): State =>
  status.toLowerCase() === 'active' ? { word: 'Open', tone: 'bad' } : stateOf(status);

/** A run's own status sharpened by what its nodes are doing. */
export function runState(status: string, view?: RunView): State {
  const lower = status.toLowerCase();
  if (lower !== 'started' && lower !== 'running') return stateOf(status);
  const states = new Set(view?.nodes.map((node) => node.state));
  if (states.has('error')) return stateOf('error');
  if (states.has('running')) return stateOf('running');
  if (states.has('waiting')) return stateOf('waiting');
  return stateOf(status);
}

/** The state of a node by its tasks, for servers that send tasks only. */
export function nodeState(tasks: Pick<TaskRecord, 'status'>[], failed: boolean): NodeState {
  if (failed) return 'error';
  const last = tasks.at(-1)?.status.toLowerCase();
  if (last === undefined) return 'none';
  if (last === 'work in progress') return 'waiting';
  return last === 'closed' ? 'complete' : 'running';
}
