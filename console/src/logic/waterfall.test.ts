// The waterfall: order, iterations, scale.
import { describe, expect, it } from 'vitest';
import type { NodeState, RunView, TaskRecord } from '../api/types';
import { barsOf, loopLabel, openAtFirst, rowsOf, shareOf, spanOf } from './waterfall';

const at = (ms: number) => new Date(1_000_000 + ms).toISOString();

let id = 0;
const task = (from: number, to?: number, rest: Partial<TaskRecord> = {}): TaskRecord => ({
  ...{ id: ++id, seq: id, nodeId: '', nodeName: '', loopIndex: '/' },
  status: to === undefined ? 'Work In Progress' : 'Closed',
  startedAt: at(from),
  finishedAt: to === undefined ? null : at(to),
  ...rest,
});

const node = (name: string, state: NodeState, tasks: TaskRecord[], definitionId = 'echo_v1') => ({
  ...{ id: `${definitionId}_${name}`, name, definitionId, state, tasks },
});

const loop: RunView = {
  nodes: [
    node('2', 'complete', [task(10, 20)], 'system_loop_head_v1'),
    node('Reserve', 'waiting', [
      task(40, 60, { loopIndex: '/2#1' }),
      task(21, 30, { loopIndex: '/2#0' }),
      task(70, undefined, { loopIndex: '/2#2', deferred: true }),
      task(62, 65, { loopIndex: '/2#1/5#0' }),
    ]),
    node('Start', 'complete', [task(0, 1)]),
  ],
  connectors: [],
};

describe('bars', () => {
  it('stand in order of time with iterations folded', () => {
    const bars = barsOf(loop);
    const words = bars.map((bar) => `${bar.label}: ${bar.state}`);
    expect(words).toEqual([
      'Start: complete',
      '2: complete',
      '2 · iteration 1: complete',
      '2 · iteration 2: complete',
      '2 · iteration 3: waiting',
    ]);
    const second = bars[3]!;
    expect([second.start, second.end]).toEqual([1_000_040, 1_000_065]);
    expect(second.inside.map((bar) => bar.label)).toEqual(['Reserve', 'Loop 5 · iteration 1']);
    expect(bars[4]!.end).toBeUndefined();
  });

  it('unfold one iteration after the other', () => {
    const bars = barsOf(loop);
    const rows = rowsOf(bars, new Set(['/2#1', '/2#1/5#0']));
    const shown = rows.map(({ bar, depth }) => `${' '.repeat(depth)}${bar.label}`);
    expect(shown.slice(3, 7)).toEqual([
      '2 · iteration 2',
      ' Reserve',
      ' Loop 5 · iteration 1',
      '  Reserve',
    ]);
  });

  it('open at first what is short or failed', () => {
    expect(openAtFirst(barsOf(loop))).toContain('/2#0');
    const failed = task(3, undefined, { loopIndex: '/2#3' });
    const many: RunView = {
      ...loop,
      nodes: [...loop.nodes, node('Broken', 'error', [failed])],
      errors: [
        { id: 1, type: 'Handler Error', status: 'Active', taskSeq: failed.seq, createdAt: at(3) },
      ],
    };
    expect(openAtFirst(barsOf(many))).toEqual(['/2#3']);
  });

  it('keep the times of failed attempts', () => {
    const messages = [
      { type: 'Attempt', attempt: 1, text: 'no', at: at(5) },
      { type: 'Edited', at: at(6) },
    ];
    const view = { nodes: [node('A', 'complete', [task(0, 9, { messages })])], connectors: [] };
    expect(barsOf(view)[0]!.attempts).toEqual([1_000_005]);
  });
});

describe('the scale', () => {
  it('reaches to now while something is open', () => {
    const bars = barsOf(loop);
    expect(spanOf(bars, 1_000_500)).toEqual({ from: 1_000_000, to: 1_000_500 });
    expect(spanOf([], 0)).toBeUndefined();
  });

  it('keeps bars inside', () => {
    const span = { from: 0, to: 100 };
    expect(shareOf({ start: 50, end: 75 }, span, 0)).toEqual({ left: 0.5, width: 0.25 });
    expect(shareOf({ start: 90, end: undefined }, span, 130)).toEqual({
      left: 0.9,
      width: expect.closeTo(0.1) as number,
    });
  });
});

it('names iterations from one, by the head of their loop', () => {
  expect(loopLabel(loop, '2#0')).toBe('2 · iteration 1');
  expect(loopLabel(loop, '9#4')).toBe('Loop 9 · iteration 5');
});
