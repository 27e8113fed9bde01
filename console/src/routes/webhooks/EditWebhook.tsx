// An existing webhook: change it, pause it, delete it.
import { Button } from '@mantine/core';
import { IconLifebuoy, IconSend, IconTestPipe, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { remove, sendTest, update, webhook as webhookQuery } from '../../api/webhooks';
import { deletion, useStays } from '../../live/deleting';
import { typeAndEvent } from '../../logic/jobs';
import { webhookState } from '../../logic/states';
import { LinkButton } from '../../parts/Button';
import { Confirm } from '../../parts/Confirm';
import { done, failed } from '../../parts/notify';
import { Fault, Head, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { Editor } from './Editor';
import { PauseButton, WebhookState } from './WebhookState';

const route = getRouteApi('/frame/console/webhooks/edit/$name');

export function EditWebhook() {
  const { name } = route.useParams();
  const { kapp } = route.useSearch();
  const scope = kapp ?? null;
  const navigate = useNavigate();
  const {
    data: webhook,
    error,
    refetch,
  } = useQuery({
    ...webhookQuery(scope, name),
    enabled: useStays('webhook', scope, name),
  });
  if (error) return <Fault what={`Webhook ${name}`} error={error} retry={() => void refetch()} />;
  if (!webhook) return <Waiting rows={6} />;
  return (
    <>
      <Head
        title={webhook.name}
        beside={<Status of={webhookState(webhook)} pill />}
        lead={typeAndEvent(webhook.type, webhook.event)}
        crumbs={[<To to="/console/webhooks">Webhooks</To>, scope ?? 'Space']}
        actions={
          <>
            <LinkButton
              variant="default"
              leftSection={<IconSend size={14} />}
              to="/console/jobs"
              search={{ webhook: webhook.name }}
            >
              Its jobs
            </LinkButton>
            <LinkButton
              variant="default"
              leftSection={<IconLifebuoy size={14} />}
              to="/console/recoveries/new"
              search={{ status: 'Failed', webhook: webhook.name, kapp: scope ?? undefined }}
            >
              Recover…
            </LinkButton>
            <SendTest scope={scope} name={webhook.name} />
            <PauseButton scope={scope} webhook={webhook} />
            <Delete name={webhook.name} scope={scope} />
          </>
        }
      />
      <WebhookState scope={scope} webhook={webhook} />
      <Editor
        key={`${scope} ${name} ${webhook.enabled}`}
        initial={{ scope, ...webhook }}
        save={(_, body) => update(scope, name, body)}
        saved={(after) =>
          void navigate({
            to: '/console/webhooks/edit/$name',
            params: { name: after.name },
            search: { kapp },
            replace: true,
          })
        }
      />
    </>
  );
}

/** Delivers a test event and goes to see what came of it. */
function SendTest({ name, scope }: { name: string; scope: string | null }) {
  const navigate = useNavigate();
  const send = useMutation({
    mutationFn: () => sendTest(scope, name),
    onSuccess: (job) => void navigate({ to: '/console/jobs/$id', params: { id: job.id } }),
    onError: (error) => failed('No test was sent', error),
  });
  return (
    <Button
      variant="default"
      leftSection={<IconTestPipe size={14} />}
      loading={send.isPending}
      onClick={() => send.mutate()}
    >
      Send test event
    </Button>
  );
}

function Delete({ name, scope }: { name: string; scope: string | null }) {
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const drop = useMutation({
    mutationKey: deletion('webhook', scope, name),
    mutationFn: () => remove(scope, name),
    onSuccess: async () => {
      done(`Webhook ${name} deleted`);
      await navigate({ to: '/console/webhooks' });
      client.removeQueries({ queryKey: webhookQuery(scope, name).queryKey });
      void client.invalidateQueries({ queryKey: ['webhooks'] });
    },
    onError: (error) => failed('Could not delete it', error),
  });
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconTrash size={14} />}
        onClick={() => setAsking(true)}
      >
        Delete
      </Button>
      <Confirm
        opened={asking}
        title={`Delete the webhook “${name}”?`}
        action={`Delete ${name}`}
        busy={drop.isPending}
        confirm={() => drop.mutate()}
        close={() => setAsking(false)}
      >
        It will not fire any more. Its jobs stay in the history.
      </Confirm>
    </>
  );
}
