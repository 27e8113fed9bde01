// What a delivery policy means, put into words before it is saved.
import type { Overrides, Policy } from '../api/delivery';
import { plural } from './text';
import { duration } from './time';

type Schedule = Pick<Policy, 'attempts' | 'firstWaitMs' | 'factor' | 'maxWaitMs' | 'giveUpAfterMs'>;

/** The waits between attempts, in milliseconds, without the jitter. */
export function waits(policy: Schedule): number[] {
  const out: number[] = [];
  let age = 0;
  for (let retry = 0; retry + 1 < policy.attempts; retry += 1) {
    const wait = Math.min(policy.firstWaitMs * policy.factor ** retry, policy.maxWaitMs);
    age += wait;
    if (age > policy.giveUpAfterMs) break;
    out.push(wait);
  }
  return out;
}

/** "12 attempts within 2 d 12 h: after 5 s, 25 s, 2 min, … then every 8 h." */
export function scheduleWords(policy: Schedule): string {
  const all = waits(policy);
  if (all.length === 0) return 'One attempt; a failure is final.';
  const total = all.reduce((sum, wait) => sum + wait, 0);
  const shown = all.slice(0, 7).map(rounded);
  const rest = all.length - shown.length;
  const more = rest > 0 ? `, then ${rest} more up to ${rounded(all.at(-1)!)} apart` : '';
  const attempts = plural(all.length + 1, 'attempt');
  return `${attempts} within ${rounded(total)}: again after ${shown.join(', ')}${more}.`;
}

const rounded = (ms: number): string => duration(ms).replace('.0 s', ' s');

/** The policy of a webhook that overrides some of its space's. */
export function merged(space: Policy, own: Overrides): Policy {
  const set = Object.entries(own).filter(([, value]) => value !== undefined && value !== null);
  const classes = { ...space.classes, ...own.classes };
  return { ...space, ...Object.fromEntries(set), classes } as Policy;
}
