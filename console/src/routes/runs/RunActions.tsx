// The buttons of a run: resume it, run it again, start one of its nodes, cancel it.
import { Button, Group, Menu, Modal, Select, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconPlayerPlay, IconRefresh } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { actOnRun, startNode } from '../../api/runs';
import type { Run } from '../../api/types';
import { cancelled } from '../../logic/runs';
import { plural } from '../../logic/text';
import { Confirm } from '../../parts/Confirm';
import { useRunAction } from './useRunAction';

const RETRIES = 'Retry Task';

export function RunActions({ run, retryable }: { run: Run; retryable: number }) {
  const [cancelling, cancel] = useDisclosure(false);
  const [repeating, repeat] = useDisclosure(false);
  const [starting, start] = useDisclosure(false);
  const over = /complete|cancelled/i.test(run.state ?? run.status);
  const resume = useRunAction({
    act: () => actOnRun(run.id, { action: 'Resume' }),
    said: (answer) => answer.message,
    fault: 'The run could not be resumed',
  });
  return (
    <>
      {retryable > 0 && (
        <Button
          leftSection={<IconPlayerPlay size={14} />}
          loading={resume.isPending}
          title={`${RETRIES} for ${plural(retryable, 'error')} of this run`}
          onClick={() => resume.mutate(undefined)}
        >
          {retryable === 1 ? 'Resume' : `Resume at ${retryable} nodes`}
        </Button>
      )}
      <Button variant="default" leftSection={<IconRefresh size={14} />} onClick={repeat.open}>
        Run again
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px={8} aria-label="More actions">
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={start.open} disabled={/cancelled/i.test(run.state ?? '')}>
            Start a node…
          </Menu.Item>
          <Menu.Item color="red" onClick={cancel.open} disabled={over}>
            Cancel the run…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <RunAgain run={run} opened={repeating} close={repeat.close} />
      <CancelRun run={run} opened={cancelling} close={cancel.close} />
      <StartNode run={run} opened={starting} close={start.close} />
    </>
  );
}

interface DialogProps {
  run: Run;
  opened: boolean;
  close: () => void;
}

function RunAgain({ run, opened, close }: DialogProps) {
  const navigate = useNavigate();
  const again = useRunAction({
    act: () => actOnRun(run.id, { action: 'Run Again' }),
    said: (answer) => `Run ${answer.runId} has been started`,
    fault: 'The run could not be started again',
    after: (answer) => {
      close();
      const id = answer.runId;
      if (id) void navigate({ to: '/console/runs/$id', params: { id }, search: {} });
    },
  });
  return (
    <Confirm
      opened={opened}
      calm
      title={`Run ${run.tree?.name ?? 'it'} again?`}
      action="Run again"
      keep="Not now"
      busy={again.isPending}
      confirm={() => again.mutate(undefined)}
      close={close}
    >
      A new run of the tree as it is now, with the data and inputs of run {run.id}. Run {run.id}{' '}
      stays as it is, and what it has done outside is done once more.
    </Confirm>
  );
}

function CancelRun({ run, opened, close }: DialogProps) {
  const act = useRunAction({
    act: () => actOnRun(run.id, { action: 'Cancel' }),
    said: () => `Run ${run.id} is cancelled`,
    fault: 'The run could not be cancelled',
    after: close,
  });
  const takes = cancelled(run.view?.waitingFor ?? []);
  return (
    <Confirm
      opened={opened}
      title={`Cancel run ${run.id}?`}
      action="Cancel the run"
      keep="Let it go on"
      busy={act.isPending}
      confirm={() => act.mutate(undefined)}
      close={close}
    >
      It ends where it is and cannot go on afterwards. What it has done is not undone.
      {takes.length > 0 && (
        <ul style={{ margin: '8px 0 0', paddingLeft: 18 }}>
          {takes.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      {run.parent?.waits && (
        <p style={{ margin: '8px 0 0' }}>
          Run {run.parent.id} waits for it and gets an error instead of its results.
        </p>
      )}
    </Confirm>
  );
}

function StartNode({ run, opened, close }: DialogProps) {
  const [node, setNode] = useState<string | null>(null);
  const act = useRunAction({
    act: (id: string) => startNode(run.id, id),
    said: () => 'The node has been started',
    fault: 'The node could not be started',
    after: close,
  });
  const nodes = (run.view?.nodes ?? []).filter((one) => one.id !== 'start');
  return (
    <Modal
      opened={opened}
      onClose={close}
      title="Start a node by hand"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Text size="sm" mb="sm">
        It runs on a branch of its own with the results the run has so far, and what lies behind it
        follows. This does not end or repair what is open elsewhere.
      </Text>
      <Select
        label="Node"
        placeholder="Choose a node"
        searchable
        data-autofocus
        data={nodes.map((one) => ({ value: one.id, label: one.name }))}
        value={node}
        onChange={setNode}
      />
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={close}>
          Not now
        </Button>
        <Button disabled={!node} loading={act.isPending} onClick={() => node && act.mutate(node)}>
          Start it
        </Button>
      </Group>
    </Modal>
  );
}
