// What is read out of the view of a run.
import { describe, expect, it } from 'vitest';
import type { RunView } from '../api/types';
import { asTexts, cancelled, edited, resultsAskedOf, submissionWith, taskOf } from './runs';

const view: RunView = {
  nodes: [
    {
      ...{ id: 'wait', name: 'Ask', definitionId: 'utilities_defer_v1', state: 'waiting' },
      tasks: [
        { id: 1, seq: 1, nodeId: 'wait', nodeName: 'Ask', status: 'Closed' },
        { id: 2, seq: 4, nodeId: 'wait', nodeName: 'Ask', status: 'New', token: 'the-token' },
      ],
    },
    {
      ...{ id: 'tell', name: 'Tell', definitionId: 'echo_v1', state: 'complete' },
      parameters: [
        {
          id: 'a',
          value: '<%= @results[\'Ask\'][\'Comment\'] %> <%= @results["Ask"]["Colour"] %>',
        },
        { id: 'b', value: "<%= @results['Ask']['deferral_token'] %>" },
        { id: 'c', value: "<%= @results['Other']['X'] %>" },
      ],
      tasks: [
        {
          ...{ id: 3, nodeId: 'tell', nodeName: 'Tell', status: 'Closed' },
          inputs: { 'values.Deferral Token': 'the-token' },
          results: { Id: 'submission-1' },
        },
      ],
    },
  ],
  connectors: [{ from: 'wait', to: 'tell', value: "@results['Ask']['Decision'] == 'Approve'" }],
};

describe('a waiting task', () => {
  it('is answered with the results that the tree looks at', () => {
    expect(resultsAskedOf(view, 'Ask')).toEqual(['Decision', 'Comment', 'Colour']);
    expect(resultsAskedOf(view, 'Nobody')).toEqual([]);
  });

  it('leads to the submission that holds its token', () => {
    expect(submissionWith(view, 'the-token')).toBe('submission-1');
    expect(submissionWith(view, 'another')).toBeUndefined();
  });

  it('is the open execution of its node', () => {
    expect(taskOf(view, { kind: 'deferral', node: 'wait', token: 'the-token' })?.seq).toBe(4);
    expect(taskOf(view, { kind: 'timer', node: 'tell' })).toBeUndefined();
  });
});

it('tells what a cancellation takes with it', () => {
  expect(cancelled([])).toEqual([]);
  expect(
    cancelled([
      { kind: 'child', runId: 7 },
      { kind: 'child', runId: 8 },
      { kind: 'deferral', token: 'x' },
      { kind: 'retry' },
      { kind: 'error' },
    ]),
  ).toEqual([
    'run 7, run 8 are cancelled with it.',
    'One answer is waited for; whoever gives it is told that the run was cancelled.',
    'One timer is stopped.',
  ]);
});

it('sends only what was corrected', () => {
  const before = asTexts({ url: 'http://a', retries: 3 });
  expect(edited(before, { ...before, url: 'http://b' })).toEqual({ url: 'http://b' });
  expect(edited(before, { ...before })).toEqual({});
});
