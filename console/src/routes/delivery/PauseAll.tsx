// Pausing every delivery of the space, and the banner that says so on every page.
import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { delivery as deliveryQuery, pauseAll, type PauseAction } from '../../api/delivery';
import { restoration } from '../../api/retention';
import { Confirm } from '../../parts/Confirm';
import { done, failed } from '../../parts/notify';
import { When } from '../../parts/When';

function usePauseAll() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: PauseAction) => pauseAll(action),
    onSuccess: (_, action) =>
      done(action === 'pause' ? 'All deliveries are paused' : 'Deliveries flow again'),
    onError: (error) => failed('It was not done', error),
    onSettled: () => {
      for (const family of ['delivery', 'lanes', 'dashboard', 'jobs'])
        void client.invalidateQueries({ queryKey: [family] });
    },
  });
}

export function PauseAll() {
  const { data } = useQuery(deliveryQuery);
  const [asking, ask] = useDisclosure(false);
  const act = usePauseAll();
  if (!data || data.paused) return null;
  return (
    <>
      <Button variant="default" leftSection={<IconPlayerPause size={14} />} onClick={ask.open}>
        Pause all
      </Button>
      <Confirm
        opened={asking}
        title="Pause all deliveries?"
        action="Pause all"
        keep="Keep delivering"
        busy={act.isPending}
        confirm={() => act.mutate('pause', { onSettled: ask.close })}
        close={ask.close}
      >
        Events are still recorded and their jobs wait, in order, until somebody resumes. Nothing is
        lost; what is under way is finished.
      </Confirm>
    </>
  );
}

/** Stands above every page while all deliveries are paused. */
export function PausedBanner() {
  const { data } = useQuery(deliveryQuery);
  const { data: restored } = useQuery(restoration);
  const act = usePauseAll();
  // A restored backup asks for more than going on: its own banner does.
  if (!data?.paused || restored?.areJobsHeld) return null;
  return (
    <div className="kp-paused" role="status">
      <IconPlayerPause size={16} aria-hidden />
      <span>
        All deliveries are paused
        {data.pausedBy && ` by ${data.pausedBy}`}
        {data.pausedAt && (
          <>
            , <When at={data.pausedAt} />
          </>
        )}
        . Jobs wait and nothing is lost.
      </span>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconPlayerPlay size={13} />}
        loading={act.isPending}
        onClick={() => act.mutate('resume')}
      >
        Resume all
      </Button>
    </div>
  );
}
