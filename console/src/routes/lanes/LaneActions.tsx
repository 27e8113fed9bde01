// What can be done about a lane: let it through, probe it, pause its webhook, recover what failed.
import { ActionIcon, Menu } from '@mantine/core';
import {
  IconDots,
  IconLifebuoy,
  IconPlayerPause,
  IconPlayerPlay,
  IconTestPipe,
} from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { pauseWebhook } from '../../api/delivery';
import { actOnLane, type Lane } from '../../api/lanes';
import { canResume } from '../../logic/lanes';
import { done, failed } from '../../parts/notify';

function useAct() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ act }: { act: () => Promise<unknown>; said: string }) => act(),
    onSuccess: (_, { said }) => done(said),
    onError: (error) => failed('It was not done', error),
    onSettled: () => {
      for (const family of ['lanes', 'jobs', 'webhooks'])
        void client.invalidateQueries({ queryKey: [family] });
    },
  });
}

export function LaneActions({ lane }: { lane: Lane }) {
  const { mutate, isPending } = useAct();
  const navigate = useNavigate();
  const { webhook } = lane;
  const paused = lane.state === 'paused';
  const pausing = paused ? 'resume' : 'pause';
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${lane.endpoint}`} loading={isPending}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconPlayerPlay size={15} />}
          disabled={!canResume(lane)}
          onClick={() =>
            mutate({ act: () => actOnLane(lane.id, 'resume'), said: 'The lane flows again' })
          }
        >
          Let it flow now
        </Menu.Item>
        <Menu.Item
          leftSection={<IconTestPipe size={15} />}
          disabled={!canResume(lane)}
          onClick={() =>
            mutate({ act: () => actOnLane(lane.id, 'probe'), said: 'One job is sent as a probe' })
          }
        >
          Probe with one job
        </Menu.Item>
        <Menu.Divider />
        {webhook && (
          <Menu.Item
            leftSection={paused ? <IconPlayerPlay size={15} /> : <IconPlayerPause size={15} />}
            onClick={() =>
              mutate({
                act: () => pauseWebhook(lane.kappSlug ?? null, webhook, pausing),
                said: paused ? `${webhook} delivers again` : `${webhook} is paused`,
              })
            }
          >
            {paused ? 'Resume' : 'Pause'} {webhook}
          </Menu.Item>
        )}
        <Menu.Item
          leftSection={<IconLifebuoy size={15} />}
          onClick={() =>
            void navigate({
              to: '/console/recoveries/new',
              search: {
                mode: 'replay',
                status: 'Failed',
                webhook: webhook ?? undefined,
                endpoint: lane.endpoint,
              },
            })
          }
        >
          Recover what failed…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
