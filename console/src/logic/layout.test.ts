// Where the nodes of a picture stand.
import { describe, expect, it } from 'vitest';
import { NODE, isReadable, place, sides } from './layout';

const chain = [
  { from: 'a', to: 'b' },
  { from: 'b', to: 'c' },
];

describe('place', () => {
  it('keeps the author’s places when no boxes touch', () => {
    const nodes = [
      { id: 'a', x: 10, y: 10 },
      { id: 'b', x: 10, y: 200 },
    ];
    expect(place(nodes, chain).get('b')).toEqual({ x: 10, y: 200 });
  });

  it('ranks nodes that have no places or overlap', () => {
    const nodes = ['a', 'b', 'c'].map((id) => ({ id, x: 5, y: 5 }));
    expect(isReadable(nodes)).toBe(false);
    const points = place(nodes, chain);
    const [a, b, c] = ['a', 'b', 'c'].map((id) => points.get(id)!);
    expect(b!.y).toBeGreaterThanOrEqual(a!.y + NODE.height);
    expect(c!.y).toBeGreaterThanOrEqual(b!.y + NODE.height);
  });

  it('puts branches side by side and ignores connectors to nowhere', () => {
    const nodes = ['a', 'b', 'c'].map((id) => ({ id }));
    const points = place(nodes, [
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' },
      { from: 'a', to: 'gone' },
    ]);
    expect(points.get('b')!.y).toBe(points.get('c')!.y);
    expect(Math.abs(points.get('b')!.x - points.get('c')!.x)).toBeGreaterThanOrEqual(NODE.width);
  });
});

it('leaves a node by the side that faces the next', () => {
  expect(sides({ x: 0, y: 0 }, { x: 0, y: 200 })).toEqual({ out: 'bottom', in: 'top' });
  expect(sides({ x: 0, y: 0 }, { x: 400, y: 0 })).toEqual({ out: 'right', in: 'left' });
  expect(sides({ x: 0, y: 200 }, { x: 0, y: 0 })).toEqual({ out: 'top', in: 'bottom' });
  expect(sides({ x: 400, y: 0 }, { x: 0, y: 0 })).toEqual({ out: 'left', in: 'right' });
});
