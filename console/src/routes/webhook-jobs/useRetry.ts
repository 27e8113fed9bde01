// Sending jobs again, or calling them off; one or many. Calling off can be taken back.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { setStatus } from '../../api/jobs';
import { plural } from '../../logic/text';
import { done, failed } from '../../parts/notify';

const AT_ONCE = 4;

type Next = 'Queued' | 'Cancelled';

async function setAll(ids: string[], status: Next): Promise<void> {
  for (let at = 0; at < ids.length; at += AT_ONCE)
    await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => setStatus(id, status)));
}

/** Everything that shows jobs is read again. */
export function useJobsChanged() {
  const client = useQueryClient();
  return () => {
    for (const family of ['jobs', 'still', 'dashboard', 'events', 'lanes'])
      void client.invalidateQueries({ queryKey: [family] });
  };
}

export function useSetStatus(status: Next) {
  const changed = useJobsChanged();
  const undo = (ids: string[]) => {
    setAll(ids, 'Queued').then(
      () => done(`${plural(ids.length, 'job')} queued again`),
      (error: unknown) => failed('Could not undo', error),
    );
    changed();
  };
  return useMutation({
    mutationFn: (ids: string[]) => setAll(ids, status),
    onSuccess: (_, ids) =>
      status === 'Queued'
        ? done(`${plural(ids.length, 'job')} queued again`)
        : done(`${plural(ids.length, 'job')} cancelled`, {
            label: 'Undo',
            act: () => undo(ids),
          }),
    onError: (error) => failed(status === 'Queued' ? 'Could not retry' : 'Could not cancel', error),
    onSettled: changed,
  });
}
