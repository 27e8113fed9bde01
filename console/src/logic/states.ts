// Every state the console shows, as word and tone. The icon is chosen by tone in the Status part.

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
  // Notices and their mail
  failing: { word: 'Failing', tone: 'bad' },
  recovered: { word: 'Recovered', tone: 'good' },
  'mail waiting': { word: 'Waiting', tone: 'wait' },
  'mail sent': { word: 'Sent', tone: 'good' },
  'mail failed': { word: 'Failed', tone: 'bad' },
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

/** A run's state; the documented status alone does not tell running from waiting. */
export const runState = (run: { status: string; state?: string }): State =>
  stateOf(run.state ?? run.status);

/** A webhook that is switched off hears nothing; one that is paused hears and waits. */
export const webhookState = (webhook: { enabled?: boolean; paused?: boolean }): State => {
  if (webhook.enabled === false) return stateOf('Disabled');
  return stateOf(webhook.paused ? 'Paused' : 'Active');
};
