// The actions that deal with errors of runs, with a note for whoever looks later.
import { Button, Group, Modal, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { resolveErrors } from '../../api/runs';
import { actionsFor, type ErrorAction } from '../../logic/errors';
import { plural } from '../../logic/text';
import { done, failed } from '../../parts/notify';

interface Props {
  ids: (number | string)[];
  type: string;
  offered?: string[];
  resolved?: () => void;
}

export function ResolveError({ ids, type, offered, resolved }: Props) {
  const [chosen, setChosen] = useState<ErrorAction>();
  const [note, setNote] = useState('');
  const client = useQueryClient();
  const resolve = useMutation({
    mutationFn: (action: string) => resolveErrors(ids, action, note),
    onSuccess: (_, action) => {
      done(`${plural(ids.length, 'error')}: ${action.toLowerCase()}`);
      setChosen(undefined);
      setNote('');
      resolved?.();
      for (const family of ['errors', 'runs', 'dashboard'])
        void client.invalidateQueries({ queryKey: [family] });
    },
    onError: (error) => failed('It could not be resolved', error),
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
            {ids.length > 1 ? ` (${ids.length})` : ''}
          </Button>
        ))}
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
