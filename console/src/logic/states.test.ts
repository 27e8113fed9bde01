// States of runs, nodes and jobs in words.
import { expect, it } from 'vitest';
import { errorState, runState, stateOf } from './states';

it('knows a state in any case, and shows unknown ones as they are', () => {
  expect(stateOf('FAILED')).toEqual({ word: 'Failed', tone: 'bad' });
  expect(stateOf('Odd')).toEqual({ word: 'Odd', tone: 'idle' });
  expect(stateOf(undefined).word).toBe('Unknown');
});

it('tells a waiting run from a running one', () => {
  expect(runState({ status: 'Started', state: 'Waiting' }).word).toBe('Waiting');
  expect(runState({ status: 'Started', state: 'Running' }).word).toBe('Running');
  expect(runState({ status: 'Started' }).word).toBe('Running');
});

it('calls an active error open', () => {
  expect(errorState('Active')).toEqual({ word: 'Open', tone: 'bad' });
  expect(errorState('Handled').tone).toBe('good');
});
