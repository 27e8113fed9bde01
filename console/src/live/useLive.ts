// One connection to the server's stream; each message marks as stale what it names.
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

export type LiveState = 'connecting' | 'live' | 'off';

interface Change {
  topics?: string[];
  runs?: (number | string)[];
}

/** The query families that a topic of the stream touches. */
export const FAMILIES: Record<string, string[]> = {
  jobs: ['jobs', 'events', 'lanes', 'recoveries'],
  runs: ['runs', 'events', 'jobs'],
  errors: ['errors', 'runs'],
  events: ['events'],
  submissions: ['submissions'],
  webhooks: ['webhooks', 'delivery', 'lanes', 'notices'],
  recoveries: ['recoveries'],
  inspectors: ['inspectors'],
  connections: ['connections'],
  trees: ['trees'],
  forms: ['forms'],
  kapps: ['kapps', 'forms'],
  users: ['users'],
  teams: ['teams', 'users'],
  spaces: ['space', 'me'],
};

export function familiesOf(change: Change): Set<string> {
  const out = new Set<string>(['dashboard']);
  for (const topic of change.topics ?? [])
    (FAMILIES[topic] ?? [topic]).forEach((family) => out.add(family));
  if (out.has('runs')) out.add('errors');
  return out;
}

/** At most one refresh of a family in this many milliseconds, however much happens. */
const QUIET_MS = 700;

function refresher(client: QueryClient) {
  const pending = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  const flush = () => {
    timer = undefined;
    last = Date.now();
    for (const family of pending) void client.invalidateQueries({ queryKey: [family] });
    pending.clear();
  };
  return {
    add(families: Iterable<string>) {
      for (const family of families) pending.add(family);
      timer ??= setTimeout(flush, Math.max(0, last + QUIET_MS - Date.now()));
    },
    stop: () => clearTimeout(timer),
  };
}

export function useLive(): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => {
    const refresh = refresher(client);
    let lost = false;
    const stream = new EventSource('/app/api/v1/stream');
    stream.onopen = () => {
      setState('live');
      // Whatever happened while the line was down was not told.
      if (lost) refresh.add([...Object.keys(FAMILIES), 'dashboard']);
      lost = false;
    };
    stream.onerror = () => {
      lost = true;
      setState(stream.readyState === EventSource.CLOSED ? 'off' : 'connecting');
    };
    stream.addEventListener('change', (message) => {
      refresh.add(familiesOf(JSON.parse((message as MessageEvent<string>).data) as Change));
    });
    return () => {
      refresh.stop();
      stream.close();
    };
  }, [client]);
  return state;
}
