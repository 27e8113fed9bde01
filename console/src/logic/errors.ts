// What can be done about an error of a run, by its documented type.
import type { ErrorGroup, Resolution } from '../api/errors';
import { plural } from './text';
import { duration } from './time';

export interface ErrorAction {
  /** The action's name on the wire. */
  name: string;
  /** What it does, for a person. */
  does: string;
}

const ACTIONS: Record<string, ErrorAction> = {
  'Retry Task': {
    name: 'Retry Task',
    does: 'Runs the node again, with its parameters as they are now.',
  },
  'Skip Task': { name: 'Skip Task', does: 'Goes on as if the node had finished without results.' },
  'Do Nothing': {
    name: 'Do Nothing',
    does: 'Marks the error as handled; the run stays where it is.',
  },
  'Continue Branch': {
    name: 'Continue Branch',
    does: 'Follows the connector as if its condition held.',
  },
  'Cancel Branch': { name: 'Cancel Branch', does: 'Does not follow the connector.' },
  Retry: { name: 'Retry', does: 'Tries again.' },
};

const TASK = ['Retry Task', 'Skip Task', 'Do Nothing'];

const BY_TYPE: Record<string, string[]> = {
  handler: TASK,
  'node parameter': TASK,
  'missing handler': TASK,
  'missing routine': TASK,
  connector: ['Continue Branch', 'Cancel Branch'],
  source: ['Retry', 'Do Nothing'],
};

export function actionsFor(type: string, offered?: string[]): ErrorAction[] {
  const bare = type.toLowerCase().replace(/ error$/, '');
  const names = offered?.length ? [...offered] : (BY_TYPE[bare] ?? ['Do Nothing']);
  // What repairs comes first, what gives up last, whichever order the server names them in.
  names.sort((a, b) => Number(a === 'Do Nothing') - Number(b === 'Do Nothing'));
  return names.map((name) => ACTIONS[name] ?? { name, does: '' });
}

/** Errors of one type that say the same, at whichever nodes and trees. */
export interface Cause {
  key: string;
  type: string;
  summary: string;
  count: number;
  firstAt: string;
  lastAt: string;
  actions: string[];
  groups: ErrorGroup[];
}

/** Joins the server's groups, which are apart by tree and node, by what they say. */
export function causesOf(groups: ErrorGroup[]): Cause[] {
  const out = new Map<string, Cause>();
  for (const group of groups) {
    const key = `${group.type}\n${group.summary}`;
    const known = out.get(key);
    if (!known) {
      const { type, summary, count, firstAt, lastAt, actions } = group;
      out.set(key, { key, type, summary, count, firstAt, lastAt, actions, groups: [group] });
      continue;
    }
    known.count += group.count;
    if (group.firstAt < known.firstAt) known.firstAt = group.firstAt;
    if (group.lastAt > known.lastAt) known.lastAt = group.lastAt;
    known.groups.push(group);
  }
  return [...out.values()].sort((a, b) => b.count - a.count || b.lastAt.localeCompare(a.lastAt));
}

/** How far a bulk resolution is, in words. */
export function resolutionWords({ total, done, refused, ratePerSecond, status }: Resolution) {
  const left = Math.max(0, total - done - refused);
  const parts = [`${done.toLocaleString('en')} of ${total.toLocaleString('en')} resolved`];
  if (refused) parts.push(`${refused.toLocaleString('en')} were resolved by others or refused`);
  if (left && status === 'Running')
    parts.push(`${duration((left / ratePerSecond) * 1000)} to go at ${ratePerSecond} a second`);
  if (left && status !== 'Running') parts.push(`${left.toLocaleString('en')} left alone`);
  return parts.join(' · ');
}

/** Whether what was resolved came back, in a sentence. */
export function failedAgain(groups: ErrorGroup[], { done }: Resolution): string {
  const again = groups.reduce((sum, group) => sum + group.count, 0);
  if (done === 0) return '';
  if (again === 0) return 'None of them has failed again.';
  return `${plural(again, 'error')} of the same kind ${again === 1 ? 'has' : 'have'} come up since.`;
}
