// Retries a failed node with parameters that a person corrected.
import { Button, Group, Modal, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { resolveErrors } from '../../api/errors';
import type { RunViewNode, TaskError } from '../../api/types';
import { asTexts, edited } from '../../logic/runs';
import { plural } from '../../logic/text';
import { useRunAction } from './useRunAction';

interface Props {
  error: TaskError;
  node: RunViewNode;
  close: () => void;
}

/** What the parameters came to; where they came to nothing, as they are written. */
function evaluated({ error, node }: Props): Record<string, string> {
  const task = node.tasks?.find((one) => one.seq === error.taskSeq);
  const written = (node.parameters ?? []).map((one) => [one.id, one.value ?? '']);
  return { ...Object.fromEntries(written), ...asTexts(task?.inputs ?? {}) };
}

export function EditRetry(props: Props) {
  const { error, node, close } = props;
  const [before] = useState(() => evaluated(props));
  const [texts, setTexts] = useState(before);
  const [note, setNote] = useState('');
  const inputs = edited(before, texts);
  const changed = Object.keys(inputs).length;
  const retry = useRunAction({
    act: () =>
      resolveErrors([error.id], {
        action: 'Retry Task',
        resolution: note,
        inputs: changed ? inputs : undefined,
      }),
    said: () => `“${node.name}” is tried again`,
    fault: 'It could not be tried again',
    after: close,
  });
  const labels = new Map((node.parameters ?? []).map((one) => [one.id, one.label || one.id]));
  return (
    <Modal
      opened
      size="lg"
      onClose={close}
      title={`Edit “${node.name}” and retry`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Text size="sm" mb="sm">
        These values count for this run only. The tree stays as it is: repair it as well, or the
        next run fails here too.
      </Text>
      <div style={{ display: 'grid', gap: 12 }}>
        {Object.keys(before).map((name, index) => (
          <Textarea
            key={name}
            autosize
            minRows={1}
            maxRows={12}
            data-autofocus={index === 0 || undefined}
            label={labels.get(name) ?? name}
            description={texts[name] === before[name] ? undefined : 'Changed'}
            styles={{ input: { fontFamily: 'var(--kp-mono)', fontSize: 12.5 } }}
            value={texts[name]}
            onChange={(event) => setTexts({ ...texts, [name]: event.currentTarget.value })}
          />
        ))}
        <Textarea
          label="Note"
          description="Kept with the error: what was wrong, what was done."
          rows={2}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
      </div>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={close}>
          Not now
        </Button>
        <Button loading={retry.isPending} onClick={() => retry.mutate(undefined)}>
          {changed ? `Retry with ${plural(changed, 'change')}` : 'Retry unchanged'}
        </Button>
      </Group>
    </Modal>
  );
}
