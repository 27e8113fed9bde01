// An empty list of jobs says why it is empty and what would fill it.
import { Button } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import type { Tab } from '../../logic/jobSearch';
import { Empty } from '../../parts/Page';

export function Nothing({ tab, narrowed }: { tab: Tab; narrowed: boolean }) {
  const navigate = useNavigate();
  if (narrowed)
    return (
      <Empty
        icon={IconSend}
        title="No job matches"
        action={
          <Button
            variant="default"
            onClick={() => void navigate({ to: '/console/jobs', search: { tab } })}
          >
            Clear the filters
          </Button>
        }
      >
        Widen the time, take a filter away, or search for a shorter text.
      </Empty>
    );
  if (tab === 'failed')
    return (
      <Empty icon={IconSend} title="Nothing has failed">
        A job that gives up appears here with the exact request, the answer and a button to retry
        it.
      </Empty>
    );
  if (tab === 'queued')
    return (
      <Empty icon={IconSend} title="Nothing waits">
        Jobs that wait for their first or next attempt appear here.
      </Empty>
    );
  return (
    <Empty
      icon={IconSend}
      title="No webhook has fired yet"
      action={
        <Button onClick={() => void navigate({ to: '/console/webhooks' })}>Open webhooks</Button>
      }
    >
      When something happens that a webhook listens to, a job records when, where to, what was sent
      and what came back.
    </Empty>
  );
}
