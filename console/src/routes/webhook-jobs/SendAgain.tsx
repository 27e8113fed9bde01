// Sending jobs once more by hand, whatever became of them: asks first, for receivers see it twice.
import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconSend } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { startRecovery } from '../../api/recoveries';
import type { WebhookJob } from '../../api/types';
import { plural } from '../../logic/text';
import { Confirm } from '../../parts/Confirm';
import { done, failed } from '../../parts/notify';
import { useJobsChanged } from './useRetry';

interface Props {
  jobs: WebhookJob[];
  label: string;
  sent?: () => void;
}

export function SendAgain({ jobs, label, sent }: Props) {
  const [asking, ask] = useDisclosure(false);
  const changed = useJobsChanged();
  const navigate = useNavigate();
  const start = useMutation({
    mutationFn: () => startRecovery({ mode: 'replay', ids: jobs.map((job) => job.id) }),
    onSuccess: ({ id }) => {
      done(`${plural(jobs.length, 'job')} on the way again`, {
        label: 'Follow',
        act: () => void navigate({ to: '/console/recoveries/$id', params: { id } }),
      });
      sent?.();
    },
    onError: (error) => failed('Nothing was sent', error),
    onSettled: () => {
      ask.close();
      changed();
    },
  });
  const delivered = jobs.filter((job) => job.status === 'Complete').length;
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconSend size={14} />}
        disabled={jobs.length === 0}
        onClick={ask.open}
      >
        {label}
      </Button>
      <Confirm
        opened={asking}
        title={`Send ${plural(jobs.length, 'job')} again?`}
        action="Send again"
        keep="Leave it"
        calm
        busy={start.isPending}
        confirm={() => start.mutate()}
        close={ask.close}
      >
        {delivered > 0
          ? `${delivered === jobs.length ? '' : `${plural(delivered, 'job')} of them `}already delivered: the receiver sees the same webhook-id once more and has to tell it is a repeat.`
          : 'The same request goes out once more, with the same webhook-id.'}
      </Confirm>
    </>
  );
}
