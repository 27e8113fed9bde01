// What a person can do about a task that is open: give its answer, skip it, end its branch.
import { ActionIcon, Button, Group, Modal, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { actOnRun, completeTask, type RunAction } from '../../api/runs';
import type { RunView, TaskRecord } from '../../api/types';
import { resultsAskedOf } from '../../logic/runs';
import { Confirm } from '../../parts/Confirm';
import { useRunAction } from './useRunAction';

interface Props {
  runId: number | string;
  view: RunView;
  nodeName: string;
  task: TaskRecord;
}

type Ending = Extract<RunAction['action'], 'Skip Task' | 'Cancel Branch'>;

const ENDINGS: Record<Ending, string> = {
  'Skip Task': 'It counts as finished without results, and what follows it is carried out.',
  'Cancel Branch': 'It ends here, and what follows it is not carried out. Other branches go on.',
};

export function OpenTask({ runId, view, nodeName, task }: Props) {
  const [answering, answer] = useDisclosure(false);
  const [ending, setEnding] = useState<Ending>();
  const end = useRunAction({
    act: (action: Ending) => actOnRun(runId, { action, taskSeq: task.seq }),
    said: () => `“${nodeName}” has been ended`,
    fault: 'The task could not be ended',
    after: () => setEnding(undefined),
  });
  if (task.seq === undefined) return null;
  return (
    <Group gap={6}>
      {task.deferred && task.token && (
        <Button size="compact-sm" variant="default" onClick={answer.open}>
          Answer…
        </Button>
      )}
      {(Object.keys(ENDINGS) as Ending[]).map((one) => (
        <Button key={one} size="compact-sm" variant="default" onClick={() => setEnding(one)}>
          {one === 'Skip Task' ? 'Skip…' : 'Cancel branch…'}
        </Button>
      ))}
      {answering && task.token && (
        <Answer {...{ view, nodeName }} token={task.token} close={answer.close} />
      )}
      <Confirm
        opened={ending !== undefined}
        title={ending === 'Skip Task' ? `Skip “${nodeName}”?` : 'Cancel this branch?'}
        action={ending ?? ''}
        keep="Let it wait"
        calm={ending === 'Skip Task'}
        busy={end.isPending}
        confirm={() => ending && end.mutate(ending)}
        close={() => setEnding(undefined)}
      >
        {ending && ENDINGS[ending]}
        {task.deferred && ' Whoever answers later is told that it is over.'}
      </Confirm>
    </Group>
  );
}

interface AnswerProps {
  view: RunView;
  nodeName: string;
  token: string;
  close: () => void;
}

/** The answer in the place of whoever was asked, with the results that the tree looks at. */
function Answer({ view, nodeName, token, close }: AnswerProps) {
  const [rows, setRows] = useState(() => {
    const asked = resultsAskedOf(view, nodeName).map((name) => ({ name, value: '' }));
    return asked.length ? asked : [{ name: '', value: '' }];
  });
  const [message, setMessage] = useState('');
  const act = useRunAction({
    act: () => {
      const given = rows.filter((row) => row.name.trim());
      const results = Object.fromEntries(given.map((row) => [row.name.trim(), row.value]));
      return completeTask(token, results, message);
    },
    said: () => `“${nodeName}” is answered`,
    fault: 'The answer was not taken',
    after: close,
  });
  const set = (at: number, change: Partial<(typeof rows)[number]>) =>
    setRows(rows.map((row, index) => (index === at ? { ...row, ...change } : row)));
  return (
    <Modal
      opened
      size="lg"
      onClose={close}
      title={`Answer “${nodeName}”`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Text size="sm" mb="sm">
        The run goes on with these results. An approval that belongs to it stays as it is.
      </Text>
      <div style={{ display: 'grid', gap: 8 }}>
        {rows.map((row, index) => (
          <Group key={index} gap={6} wrap="nowrap" align="flex-end">
            <TextInput
              label={index === 0 ? 'Result' : undefined}
              aria-label={`Result ${index + 1}`}
              style={{ flex: 1 }}
              value={row.name}
              onChange={(event) => set(index, { name: event.currentTarget.value })}
            />
            <TextInput
              label={index === 0 ? 'Value' : undefined}
              aria-label={row.name ? `Value of ${row.name}` : `Value ${index + 1}`}
              style={{ flex: 2 }}
              data-autofocus={index === 0 || undefined}
              value={row.value}
              onChange={(event) => set(index, { value: event.currentTarget.value })}
            />
            <ActionIcon
              size="lg"
              aria-label={`Remove result ${row.name || index + 1}`}
              onClick={() => setRows(rows.filter((_, at) => at !== index))}
            >
              <IconX size={15} />
            </ActionIcon>
          </Group>
        ))}
      </div>
      <Button
        mt={8}
        size="compact-sm"
        variant="subtle"
        leftSection={<IconPlus size={13} />}
        onClick={() => setRows([...rows, { name: '', value: '' }])}
      >
        Another result
      </Button>
      <TextInput
        mt="sm"
        label="Message"
        description="Kept with the task."
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
      />
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={close}>
          Not now
        </Button>
        <Button loading={act.isPending} onClick={() => act.mutate(undefined)}>
          Answer
        </Button>
      </Group>
    </Modal>
  );
}
