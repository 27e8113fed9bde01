// Trees: what has been automated.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { TASK, http, seg } from './http';
import type { Tree } from './types';

export const trees = queryOptions({
  queryKey: ['trees', 'list'],
  queryFn: async () =>
    (
      await http.get<{ trees: Tree[] }>(`${TASK}/trees`, {
        include: 'details,problems',
        limit: 1000,
      })
    ).trees,
  placeholderData: keepPreviousData,
  staleTime: 15_000,
});

export const tree = (title: string) =>
  queryOptions({
    queryKey: ['trees', 'one', title],
    queryFn: async () => {
      const body = await http.get<Tree | { tree: Tree }>(`${TASK}/trees/${seg(title)}`, {
        include: 'details,treeJson,problems',
      });
      return 'tree' in body ? body.tree : body;
    },
  });

export const exportTree = async (title: string): Promise<string> =>
  (await http.get<{ tree: string }>(`${TASK}/trees/${seg(title)}/export`)).tree;

/** A tree's title; the server's own, or built from its parts. */
export const titleOf = (tree: Tree): string =>
  tree.title ??
  [tree.sourceName, tree.sourceGroup, tree.name]
    .filter((part) => part && part !== '-')
    .join(' :: ');
