// What keeps a webhook from delivering, and the way out: paused by somebody, or switched off.
import { Alert, Button } from '@mantine/core';
import { IconAlertTriangle, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { pauseWebhook, type PauseAction } from '../../api/delivery';
import type { Webhook } from '../../api/types';
import { update, type Scope } from '../../api/webhooks';
import { done, failed } from '../../parts/notify';

interface Props {
  scope: Scope;
  webhook: Webhook;
}

function usePause({ scope, webhook }: Props) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: PauseAction) => pauseWebhook(scope, webhook.name, action),
    onSuccess: (_, action) =>
      done(`${webhook.name} ${action === 'pause' ? 'is paused' : 'delivers again'}`),
    onError: (error) => failed('It was not done', error),
    onSettled: () => {
      for (const family of ['webhooks', 'lanes', 'jobs'])
        void client.invalidateQueries({ queryKey: [family] });
    },
  });
}

export function PauseButton(props: Props) {
  const pause = usePause(props);
  if (props.webhook.paused) return null;
  return (
    <Button
      variant="default"
      leftSection={<IconPlayerPause size={14} />}
      loading={pause.isPending}
      onClick={() => pause.mutate('pause')}
    >
      Pause
    </Button>
  );
}

export function WebhookState(props: Props) {
  const { webhook } = props;
  return (
    <>
      {webhook.paused && <Paused {...props} />}
      {webhook.enabled === false && webhook.disabledReason && <Disabled {...props} />}
    </>
  );
}

function Paused(props: Props) {
  const pause = usePause(props);
  return (
    <Alert
      mb="md"
      color="yellow"
      variant="light"
      title="Its deliveries are paused"
      icon={<IconPlayerPause size={16} />}
    >
      <p className="kp-small" style={{ marginBottom: 8 }}>
        It still hears events and makes jobs; they wait, in order, until somebody resumes.
      </p>
      <Button
        leftSection={<IconPlayerPlay size={14} />}
        loading={pause.isPending}
        onClick={() => pause.mutate('resume')}
      >
        Resume
      </Button>
    </Alert>
  );
}

function Disabled({ scope, webhook }: Props) {
  const client = useQueryClient();
  const enable = useMutation({
    mutationFn: () => update(scope, webhook.name, { enabled: true }),
    onSuccess: () => done(`${webhook.name} is active again`),
    onError: (error) => failed('It was not switched on', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['webhooks'] }),
  });
  return (
    <Alert
      mb="md"
      color="red"
      variant="light"
      title="It was switched off"
      icon={<IconAlertTriangle size={16} />}
    >
      <p className="kp-small" style={{ marginBottom: 8 }}>
        {webhook.disabledReason}
      </p>
      <Button loading={enable.isPending} onClick={() => enable.mutate()}>
        Switch it on again
      </Button>
    </Alert>
  );
}
