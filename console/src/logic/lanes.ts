// The states of a lane in words.
import type { Lane } from '../api/lanes';
import type { State } from './states';
import { clock } from './time';

export const LANE_STATES: Record<string, State> = {
  flowing: { word: 'Flowing', tone: 'good' },
  idle: { word: 'Idle', tone: 'idle' },
  paused: { word: 'Paused', tone: 'wait' },
  retry_after: { word: 'Asked to wait', tone: 'warn' },
  breaker_open: { word: 'Held', tone: 'bad' },
  ramping: { word: 'Recovering', tone: 'busy' },
  rate_limited: { word: 'At its rate', tone: 'busy' },
};

export const laneState = (state: string): State =>
  LANE_STATES[state] ?? { word: state.replaceAll('_', ' '), tone: 'idle' };

/** Why a lane does not flow and until when, as one line; empty when there is nothing to say. */
export function laneReason({ reason, until }: Pick<Lane, 'reason' | 'until'>): string {
  const time = until && clock(until);
  if (!reason) return time ? `until ${time}` : '';
  return time && !/\buntil\b/.test(reason) ? `${reason}, until ${time}` : reason;
}

/** Whether a person can let a lane through before its time. */
export const canResume = ({ state }: Pick<Lane, 'state'>): boolean =>
  ['breaker_open', 'retry_after', 'ramping'].includes(state);

/** Lanes that somebody should look at. */
export const isHeld = ({ state }: Pick<Lane, 'state'>): boolean =>
  ['breaker_open', 'retry_after', 'paused'].includes(state);
