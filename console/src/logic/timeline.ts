// The words of a job's timeline.
import type { Moment } from '../api/types';
import { stateOf, type State } from './states';

const HELD: State = { word: 'Held', tone: 'warn' };

/** The state a line of the timeline stands for; a reason that begins with "held:" is a wait. */
export function momentState({ state, reason }: Moment): State {
  const name = state.toLowerCase();
  if (name === 'held' || /^held\b/i.test(reason ?? '')) return HELD;
  if (name === 'waiting') return { word: 'Waiting', tone: 'wait' };
  return stateOf(state);
}
