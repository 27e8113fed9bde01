// The search over jobs: what the address holds, what the server is asked, what it says in words.
import type { JobFilter } from '../api/jobs';
import { classWord } from './classes';
import { instants, rangeWords } from './range';

export const JOB_SEARCH = [
  ...(['tab', 'status', 'class', 'webhook', 'kapp', 'endpoint', 'url', 'id', 'text', 'q'] as const),
  ...(['range', 'from', 'to', 'tz'] as const),
] as const;

export type JobSearch = { [P in (typeof JOB_SEARCH)[number]]?: string };

export const TABS = { all: undefined, queued: 'Queued', failed: 'Failed' } as const;
export type Tab = keyof typeof TABS;

export const tabOf = ({ tab }: JobSearch): Tab => (tab && tab in TABS ? (tab as Tab) : 'all');

/** What the server is asked; `now` is in milliseconds. */
export function filterOf(search: JobSearch, now: number): JobFilter {
  return {
    status: TABS[tabOf(search)] ?? search.status,
    errorClass: search.class,
    webhook: search.webhook,
    kapp: search.kapp,
    endpoint: search.endpoint,
    url: search.url,
    id: search.id?.trim(),
    text: search.text,
    q: search.q,
    ...instants(search, now),
  };
}

/** A filter in words with the part of the address that takes it away. */
export interface Chip {
  words: string;
  without: JobSearch;
}

/** The filters that have no field of their own in the toolbar. */
export function chips(search: JobSearch): Chip[] {
  const named: [keyof JobSearch, string][] = [
    ['kapp', `Kapp ${search.kapp}`],
    ['class', classWord(search.class ?? '')],
    ['endpoint', `Endpoint ${search.endpoint}`],
    ['url', `URL has “${search.url}”`],
    ['id', `Id ${search.id}`],
    ['q', `Name or record has “${search.q}”`],
  ];
  return named
    .filter(([name]) => search[name])
    .map(([name, words]) => ({ words, without: { [name]: undefined } }));
}

/** A name for a view that somebody saves: its filters in words. */
export function viewName(search: JobSearch): string {
  const { status, webhook, text, range, from, to } = search;
  const state = TABS[tabOf(search)] ?? status;
  return (
    [
      state,
      webhook,
      ...chips(search).map((chip) => chip.words),
      text && `“${text}”`,
      (range || from || to) && rangeWords(search, search.tz === 'utc'),
    ]
      .filter(Boolean)
      .join(', ') || 'Every job'
  );
}

/** Whether anything narrows the list beyond its tab. */
export const isNarrowed = ({ tab: _, tz: __, ...rest }: JobSearch): boolean =>
  Object.values(rest).some(Boolean);
