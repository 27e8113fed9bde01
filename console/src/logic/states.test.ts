// States of runs, nodes and jobs in words.
import { expect, it } from 'vitest';
import type { NodeState, RunView } from '../api/types';
import { errorState, nodeState, runState, stateOf } from './states';

const view = (...states: NodeState[]): RunView => ({
  nodes: states.map((state, index) => ({
    id: String(index),
    name: '',
    definitionId: '',
    state,
  })),
  connectors: [],
});

it('knows a state in any case, and shows unknown ones as they are', () => {
  expect(stateOf('FAILED')).toEqual({ word: 'Failed', tone: 'bad' });
  expect(stateOf('Odd')).toEqual({ word: 'Odd', tone: 'idle' });
  expect(stateOf(undefined).word).toBe('Unknown');
});

it.each([
  ['Started', view('complete', 'waiting'), 'Waiting'],
  ['Started', view('complete', 'running', 'waiting'), 'Running'],
  ['Started', view('running', 'error'), 'Error'],
  ['Started', undefined, 'Running'],
  ['Complete', view('waiting'), 'Complete'],
])('a run that is %s', (status, seen, word) => {
  expect(runState(status, seen).word).toBe(word);
});

it('reads a node’s state off its tasks', () => {
  expect(nodeState([], false)).toBe('none');
  expect(nodeState([{ status: 'Closed' }, { status: 'Work In Progress' }], false)).toBe('waiting');
  expect(nodeState([{ status: 'Closed' }], false)).toBe('complete');
  expect(nodeState([{ status: 'New' }], false)).toBe('running');
  expect(nodeState([{ status: 'Closed' }], true)).toBe('error');
});

it('calls an active error open', () => {
  expect(errorState('Active')).toEqual({ word: 'Open', tone: 'bad' });
  expect(errorState('Handled').tone).toBe('good');
});
