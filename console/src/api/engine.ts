// The workflow engine of the space: whether somebody has stopped it.
import { queryOptions } from '@tanstack/react-query';
import { answer, GET, POST } from './client';

export interface Engine {
  status: 'Running' | 'Stopped';
  /** Runs that wait to be taken up. */
  waiting: number;
  stoppedAt?: string | null;
  stoppedBy?: string | null;
}

// Under the family of the trees, which the server tells about when an engine stops or starts.
export const engine = queryOptions({
  queryKey: ['trees', 'engine'],
  queryFn: async () => answer<Engine>(GET('/app/api/v2/engine')),
  refetchInterval: 60_000,
});

export const commandEngine = async (action: 'start' | 'stop') =>
  answer<Engine>(POST('/app/api/v2/engine', { body: { action } }));
