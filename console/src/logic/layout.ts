// Places the nodes of a tree: as its author did when that reads well, else by rank.
import { Graph, layout as dagre } from '@dagrejs/dagre';

export const NODE = { width: 204, height: 58 };

export interface Point {
  x: number;
  y: number;
}

interface PlacedNode {
  id: string;
  x?: number | null;
  y?: number | null;
}

interface Edge {
  from: string;
  to: string;
}

/** True when every node has a place of its own and no two boxes touch. */
export function isReadable(nodes: PlacedNode[]): boolean {
  const gap = 12;
  return nodes.every((a, i) => {
    if (typeof a.x !== 'number' || typeof a.y !== 'number') return false;
    return nodes.slice(i + 1).every((b) => {
      if (typeof b.x !== 'number' || typeof b.y !== 'number') return false;
      return Math.abs(a.x! - b.x) >= NODE.width + gap || Math.abs(a.y! - b.y) >= NODE.height + gap;
    });
  });
}

/** The top left corner of every node. */
export function place(nodes: PlacedNode[], edges: Edge[]): Map<string, Point> {
  if (nodes.length > 1 && isReadable(nodes))
    return new Map(nodes.map((node) => [node.id, { x: node.x!, y: node.y! }]));
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 44, ranksep: 60, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { ...NODE });
  for (const edge of edges)
    if (graph.hasNode(edge.from) && graph.hasNode(edge.to)) graph.setEdge(edge.from, edge.to);
  dagre(graph);
  return new Map(
    nodes.map(({ id }) => {
      const at = graph.node(id) as Point;
      return [id, { x: at.x - NODE.width / 2, y: at.y - NODE.height / 2 }];
    }),
  );
}

export type Side = 'top' | 'right' | 'bottom' | 'left';

/** The sides by which a connector leaves one node and enters another. */
export function sides(from: Point, to: Point): { out: Side; in: Side } {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  if (dy >= NODE.height) return { out: 'bottom', in: 'top' };
  if (dy <= -NODE.height && Math.abs(dx) < NODE.width) return { out: 'top', in: 'bottom' };
  return dx >= 0 ? { out: 'right', in: 'left' } : { out: 'left', in: 'right' };
}
