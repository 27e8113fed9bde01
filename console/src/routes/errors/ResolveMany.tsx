// Decides about many errors at once: what is done, how fast, and why; a job that shows its progress.
import { Button, Group, Modal, NumberInput, Radio, Stack, Textarea } from '@mantine/core';
import { useState } from 'react';
import { beginResolution, type Resolution, type Which } from '../../api/errors';
import { actionsFor } from '../../logic/errors';
import { plural } from '../../logic/text';
import { useRunAction } from '../runs/useRunAction';

/** What the server takes when nothing is asked for, and at most. */
const RATE_USUAL = 100;
const RATE_MAX = 1_000;

interface Props {
  which: Which;
  count: number;
  type: string;
  offered?: string[];
  begun: (resolution: Resolution) => void;
  close: () => void;
}

export function ResolveMany({ which, count, type, offered, begun, close }: Props) {
  const actions = actionsFor(type, offered);
  const [action, setAction] = useState(actions[0]?.name ?? '');
  const [note, setNote] = useState('');
  const [rate, setRate] = useState<number | string>(RATE_USUAL);
  const begin = useRunAction({
    act: () => beginResolution(which, { action, resolution: note }, Number(rate) || RATE_USUAL),
    said: () => `${plural(count, 'error')}: ${action.toLowerCase()} has begun`,
    fault: 'It could not be begun',
    after: begun,
  });
  return (
    <Modal
      opened
      onClose={close}
      title={`Resolve ${plural(count, 'error')}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Radio.Group label="What to do" value={action} onChange={setAction}>
        <Stack gap={8} mt={6}>
          {actions.map((one) => (
            <Radio key={one.name} value={one.name} label={one.name} description={one.does} />
          ))}
        </Stack>
      </Radio.Group>
      <Textarea
        mt="md"
        label="Note"
        description="Kept with every one of them: what was wrong, what was done."
        rows={2}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <NumberInput
        mt="sm"
        w={180}
        label="Errors a second"
        description="Slower spares what they call."
        min={1}
        max={RATE_MAX}
        value={rate}
        onChange={setRate}
      />
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={close}>
          Not now
        </Button>
        <Button
          disabled={!action}
          loading={begin.isPending}
          onClick={() => begin.mutate(undefined)}
        >
          {action}: {plural(count, 'error')}
        </Button>
      </Group>
    </Modal>
  );
}
