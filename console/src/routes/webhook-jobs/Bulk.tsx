// What can be done with the jobs that are ticked.
import { Button } from '@mantine/core';
import { IconRefresh, IconX } from '@tabler/icons-react';
import type { WebhookJob } from '../../api/types';
import { canCancel, canRetry } from '../../logic/jobs';
import { plural } from '../../logic/text';
import { SendAgain } from './SendAgain';
import { useSetStatus } from './useRetry';

interface Props {
  chosen: WebhookJob[];
  clear: () => void;
}

export function Bulk({ chosen, clear }: Props) {
  const retry = useSetStatus('Queued');
  const cancel = useSetStatus('Cancelled');
  const retriable = chosen.filter(canRetry).map((job) => job.id);
  const cancellable = chosen.filter(canCancel).map((job) => job.id);
  if (chosen.length === 0) return null;
  return (
    <div className="kp-bulk" role="region" aria-label="Selection">
      <span aria-live="polite">{plural(chosen.length, 'job')} selected</span>
      <Button
        leftSection={<IconRefresh size={14} />}
        disabled={retriable.length === 0}
        loading={retry.isPending}
        onClick={() => retry.mutate(retriable, { onSuccess: clear })}
      >
        Retry {retriable.length}
      </Button>
      <SendAgain jobs={chosen} label={`Send ${chosen.length} again`} sent={clear} />
      <Button
        variant="default"
        leftSection={<IconX size={14} />}
        disabled={cancellable.length === 0}
        loading={cancel.isPending}
        onClick={() => cancel.mutate(cancellable, { onSuccess: clear })}
      >
        Cancel {cancellable.length}
      </Button>
      <Button variant="subtle" onClick={clear}>
        Select none
      </Button>
    </div>
  );
}
