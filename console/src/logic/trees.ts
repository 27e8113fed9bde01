// What a tree's definition holds, whichever way the server wrapped it.
import type { Tree, TreeJson, TreeProblem } from '../api/types';
import { parseJson } from './text';

const EMPTY: TreeJson = { nodes: [], connectors: [] };

export function definitionOf(tree: Tree | undefined): TreeJson {
  const raw = tree?.treeJson;
  const found = typeof raw === 'string' ? (parseJson(raw) as TreeJson | undefined) : raw;
  return found ? { ...found, nodes: found.nodes ?? [], connectors: found.connectors ?? [] } : EMPTY;
}

export const problemCount = (tree: Tree): number => tree.problems?.length ?? tree.problemCount ?? 0;

export const problemNode = (problem: TreeProblem): string | undefined =>
  problem.nodeId ?? problem.node ?? undefined;

/** Where a problem stands, in words. */
export function problemPlace(problem: TreeProblem, names: Map<string, string>): string {
  const id = problemNode(problem);
  const at = problem.line
    ? `line ${problem.line}${problem.column ? `:${problem.column}` : ''}`
    : '';
  const place = problem.place ?? (problem.parameter && `parameter "${problem.parameter}"`);
  return [id && (names.get(id) ?? id), place, at].filter(Boolean).join(' · ');
}

/** Trees by source, then by group, each in order of name. */
export function bySource(trees: Tree[]): [string, Tree[]][] {
  const out = new Map<string, Tree[]>();
  for (const tree of trees) {
    const source = tree.sourceName || '-';
    out.set(source, [...(out.get(source) ?? []), tree]);
  }
  for (const list of out.values())
    list.sort((a, b) =>
      `${a.sourceGroup ?? ''} ${a.name}`.localeCompare(`${b.sourceGroup ?? ''} ${b.name}`),
    );
  return [...out].sort(([a], [b]) => a.localeCompare(b));
}
