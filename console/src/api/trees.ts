// Trees: what has been automated.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, GET } from './client';
import type { Tree } from './types';

export const trees = queryOptions({
  queryKey: ['trees', 'list'],
  queryFn: async () =>
    (
      await answer<{ trees: Tree[] }>(
        GET('/app/api/v2/trees', { params: { query: { include: 'details', limit: 1000 } } }),
      )
    ).trees,
  placeholderData: keepPreviousData,
  staleTime: 15_000,
});

export const tree = (title: string) =>
  queryOptions({
    queryKey: ['trees', 'one', title],
    queryFn: () =>
      answer<Tree>(
        GET('/app/api/v2/trees/{title}', {
          params: { path: { title }, query: { include: 'details,treeJson' } },
        }),
      ),
  });

export const exportTree = async (title: string): Promise<string> =>
  (
    await answer<{ tree: string }>(
      GET('/app/api/v2/trees/{title}/export', { params: { path: { title } } }),
    )
  ).tree;

/** A tree's title; the server's own, or built from its parts. */
export const titleOf = (tree: Tree): string =>
  tree.title ??
  [tree.sourceName, tree.sourceGroup, tree.name]
    .filter((part) => part && part !== '-')
    .join(' :: ');
