// A list that stands still while it is read: rows change in place, new ones wait behind a banner.
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';

interface Still<T> {
  rows: T[] | undefined;
  /** How many newer rows wait to be shown. */
  waiting: number;
}

export function mergeStill<T extends { id: string | number }>(
  shown: T[] | undefined,
  newest: T[] = [],
): Still<T> {
  if (!shown) return { rows: undefined, waiting: 0 };
  const known = new Set(shown.map((row) => row.id));
  const now = new Map(newest.map((row) => [row.id, row]));
  return {
    rows: shown.map((row) => now.get(row.id) ?? row),
    waiting: newest.filter((row) => !known.has(row.id)).length,
  };
}

export function useStill<P, T extends { id: string | number }>(
  list: UseInfiniteQueryResult<InfiniteData<P>>,
  pick: (page: P) => T[],
  newest: T[] | undefined,
): Still<T> {
  const { data, refetch } = list;
  const still = useMemo(
    () => mergeStill(data?.pages.flatMap(pick), newest),
    // `pick` is a constant of its caller.
    [data, newest],
  );
  const nothingToKeep = still.rows?.length === 0 && still.waiting > 0;
  useEffect(() => {
    if (nothingToKeep) void refetch();
  }, [nothingToKeep, refetch]);
  return still;
}
