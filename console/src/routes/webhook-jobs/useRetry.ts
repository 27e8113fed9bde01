// Sending jobs again, or calling them off; one or many.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { setStatus } from '../../api/jobs';
import { plural } from '../../logic/text';
import { done, failed } from '../../parts/notify';

const AT_ONCE = 4;

export function useSetStatus(status: 'Queued' | 'Cancelled') {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (ids: string[]) => {
      for (let at = 0; at < ids.length; at += AT_ONCE)
        await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => setStatus(id, status)));
      return ids.length;
    },
    onSuccess: (count) =>
      done(`${plural(count, 'job')} ${status === 'Queued' ? 'queued again' : 'cancelled'}`),
    onError: (error) => failed(status === 'Queued' ? 'Could not retry' : 'Could not cancel', error),
    onSettled: () => {
      for (const family of ['jobs', 'still', 'dashboard', 'events'])
        void client.invalidateQueries({ queryKey: [family] });
    },
  });
}
