// The search over runs: what the address holds, and what the server is asked.
import type { RunFilter } from '../api/runs';
import { instants } from './range';

export const RUN_SEARCH = [
  ...(['status', 'tree', 'sourceId', 'number', 'range', 'from', 'to', 'tz'] as const),
] as const;

export type RunSearch = { [P in (typeof RUN_SEARCH)[number]]?: string };

/** The states that a list is asked for, with the word that stands on its tab. */
export const RUN_TABS = [
  { value: 'All', label: 'All' },
  { value: 'Running', label: 'Running' },
  { value: 'Waiting', label: 'Waiting' },
  { value: 'Error', label: 'Error' },
  { value: 'Complete', label: 'Complete' },
  { value: 'Cancelled', label: 'Cancelled' },
] as const;

/** States that runs leave again: few are in them, and their number says something. */
export const PASSING = ['Running', 'Waiting', 'Error'];

/** What the server is asked; `now` is in milliseconds. A number that is none asks for nothing. */
export function runFilter(search: RunSearch, now: number): RunFilter {
  const { from, to } = instants(search, now);
  const number = /^#?(\d{1,15})$/.exec(search.number?.trim() ?? '')?.[1];
  return {
    status: search.status,
    tree: search.tree,
    sourceId: search.sourceId?.trim(),
    id: search.number ? (number ?? '0') : undefined,
    start: from,
    end: to,
  };
}

/** Whether anything besides the state narrows the list. */
export const isNarrowed = ({ status: _, tz: __, ...rest }: RunSearch): boolean =>
  Object.values(rest).some(Boolean);
