// The delivery policy of the space: what every webhook inherits.
import { Alert, Button, Group } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  delivery as deliveryQuery,
  saveDelivery,
  type Overrides,
  type Policy,
} from '../../api/delivery';
import { merged } from '../../logic/policy';
import { done, words } from '../../parts/notify';
import { Fault, Panel, Waiting } from '../../parts/Page';
import { PauseAll } from '../delivery/PauseAll';
import { PolicyFields } from '../delivery/PolicyFields';

export function DeliverySettings() {
  const { data, error, refetch } = useQuery(deliveryQuery);
  if (error) return <Fault what="The policy" error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting rows={8} />;
  return <Form policy={data.policy} />;
}

function Form({ policy }: { policy: Policy }) {
  const [changes, setChanges] = useState<Overrides>({});
  const client = useQueryClient();
  const effective = { ...merged(policy, changes), classes: changes.classes ?? policy.classes };
  if ('ratePerSecond' in changes) effective.ratePerSecond = changes.ratePerSecond;
  const changed = JSON.stringify(effective) !== JSON.stringify(policy);
  const save = useMutation({
    mutationFn: () => saveDelivery({ policy: effective }),
    onSuccess: (after) => {
      client.setQueryData(deliveryQuery.queryKey, after);
      setChanges({});
      done('The delivery policy is saved');
    },
  });
  return (
    <Panel title="Delivery policy" label="Delivery policy" actions={<PauseAll />}>
      <form
        className="kp-stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <PolicyFields
          value={effective}
          effective={effective}
          set={(change) => {
            save.reset();
            setChanges((now) => ({ ...now, ...change }));
          }}
        />
        {save.isError && (
          <Alert color="red" variant="light" title="It was not saved" role="alert">
            <span style={{ whiteSpace: 'pre-wrap' }}>{words(save.error)}</span>
          </Alert>
        )}
        <Group>
          <Button type="submit" size="sm" disabled={!changed} loading={save.isPending}>
            Save
          </Button>
          {changed && (
            <Button variant="subtle" onClick={() => setChanges({})}>
              Undo the changes
            </Button>
          )}
        </Group>
      </form>
    </Panel>
  );
}
