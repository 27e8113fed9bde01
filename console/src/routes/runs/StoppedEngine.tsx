// The banner above every page while somebody has stopped the workflow engine.
import { Button } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { commandEngine, engine as engineQuery } from '../../api/engine';
import { done, failed } from '../../parts/notify';
import { When } from '../../parts/When';

export function StoppedEngine() {
  const client = useQueryClient();
  const { data } = useQuery(engineQuery);
  const start = useMutation({
    mutationFn: () => commandEngine('start'),
    onSuccess: () => done('Runs are taken up again'),
    onError: (error) => failed('The engine was not started', error),
    onSettled: () => {
      for (const family of ['trees', 'runs']) void client.invalidateQueries({ queryKey: [family] });
    },
  });
  if (data?.status !== 'Stopped') return null;
  return (
    <div className="kp-paused" role="status">
      <IconPlayerPause size={16} aria-hidden />
      <span>
        The workflow engine is stopped
        {data.stoppedBy && ` by ${data.stoppedBy}`}
        {data.stoppedAt && (
          <>
            , <When at={data.stoppedAt} />
          </>
        )}
        . {data.waiting} runs wait and nothing is lost.
      </span>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconPlayerPlay size={13} />}
        loading={start.isPending}
        onClick={() => start.mutate()}
      >
        Start the engine
      </Button>
    </div>
  );
}
