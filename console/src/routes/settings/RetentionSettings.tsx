// How long history stays, and how much it may take.
import { Alert, Button, NumberInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { delivery as deliveryQuery, saveDelivery, type Retention } from '../../api/delivery';
import { done, words } from '../../parts/notify';
import { Fault, Panel, Waiting } from '../../parts/Page';

export function RetentionSettings() {
  const { data, error, refetch } = useQuery(deliveryQuery);
  if (error) return <Fault what="Retention" error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting rows={4} />;
  return <Form retention={data.retention ?? {}} />;
}

const GB = 1_000_000_000;

function Form({ retention }: { retention: Retention }) {
  const [fields, setFields] = useState(retention);
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => saveDelivery({ retention: fields }),
    onSuccess: (after) => {
      client.setQueryData(deliveryQuery.queryKey, after);
      done('Retention is saved');
    },
  });
  const set = (change: Retention) => {
    save.reset();
    setFields({ ...fields, ...change });
  };
  const number = (value: string | number) => (value === '' ? null : Number(value));
  return (
    <Panel title="Retention" label="Retention">
      <form
        className="kp-stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <div className="kp-fields kp-fields-wide">
          <NumberInput
            label="Keep history for, in days"
            description="Events, jobs and attempts that are older are purged."
            placeholder="Forever"
            min={1}
            value={fields.ageDays ?? ''}
            onChange={(days) => set({ ageDays: number(days) })}
          />
          <NumberInput
            label="Keep payloads for, in days"
            description="After that a job keeps its outcome, without what was sent and received."
            placeholder="As long as history"
            min={1}
            value={fields.payloadDays ?? ''}
            onChange={(days) => set({ payloadDays: number(days) })}
          />
          <NumberInput
            label="History at most, in GB"
            description="Beyond it the oldest goes first."
            placeholder="No limit"
            min={0.1}
            step={1}
            value={fields.bytesMax == null ? '' : fields.bytesMax / GB}
            onChange={(gb) => set({ bytesMax: gb === '' ? null : Math.round(Number(gb) * GB) })}
          />
        </div>
        {save.isError && (
          <Alert color="red" variant="light" title="It was not saved" role="alert">
            {words(save.error)}
          </Alert>
        )}
        <div>
          <Button type="submit" size="sm" loading={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}
