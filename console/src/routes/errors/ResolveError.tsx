// The actions that deal with errors of one run, with a note for whoever looks later.
import { Button, Group, Modal, Textarea } from '@mantine/core';
import { useState } from 'react';
import { resolveErrors } from '../../api/errors';
import { actionsFor, type ErrorAction } from '../../logic/errors';
import { plural } from '../../logic/text';
import { useRunAction } from '../runs/useRunAction';

interface Props {
  ids: (number | string)[];
  type: string;
  offered?: string[];
  /** Opens the way to correct the inputs first, where there is one. */
  edit?: () => void;
}

export function ResolveError({ ids, type, offered, edit }: Props) {
  const [chosen, setChosen] = useState<ErrorAction>();
  const [note, setNote] = useState('');
  const resolve = useRunAction({
    act: (action: string) => resolveErrors(ids, { action, resolution: note }),
    said: (_, action) => `${plural(ids.length, 'error')}: ${action.toLowerCase()}`,
    fault: 'It could not be resolved',
    after: () => {
      setChosen(undefined);
      setNote('');
    },
  });
  return (
    <>
      <Group gap={6}>
        {actionsFor(type, offered).map((action, index) => (
          <Button
            key={action.name}
            size="compact-sm"
            variant={index === 0 ? 'filled' : 'default'}
            title={action.does}
            onClick={() => setChosen(action)}
          >
            {action.name}
          </Button>
        ))}
        {edit && (
          <Button size="compact-sm" variant="default" onClick={edit}>
            Edit and retry…
          </Button>
        )}
      </Group>
      <Modal
        opened={chosen !== undefined}
        onClose={() => setChosen(undefined)}
        title={chosen?.name}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <p style={{ marginTop: 0, fontSize: 13.5 }}>{chosen?.does}</p>
        <Textarea
          label="Note"
          description="Kept with the error: what was wrong, what was done."
          rows={3}
          data-autofocus
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setChosen(undefined)}>
            Not now
          </Button>
          <Button loading={resolve.isPending} onClick={() => chosen && resolve.mutate(chosen.name)}>
            {chosen?.name}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
