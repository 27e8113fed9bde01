// How long history stays, how much it may take, and what purging did.
import { Alert, Button, Group, NumberInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  previewRetention,
  retention as retentionQuery,
  saveRetention,
  type Retention,
  type RetentionPolicy,
  type RetentionPreview,
} from '../../api/retention';
import { wouldGo } from '../../logic/retention';
import { bytes, plural } from '../../logic/text';
import { Confirm } from '../../parts/Confirm';
import { done, words } from '../../parts/notify';
import { Facts, Fault, Panel, Waiting } from '../../parts/Page';
import { When } from '../../parts/When';

export function RetentionSettings() {
  const { data, error, refetch } = useQuery(retentionQuery);
  if (error) return <Fault what="Retention" error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting rows={4} />;
  return (
    <div className="kp-stack">
      <Form policy={data.policy} />
      <State retention={data} />
    </div>
  );
}

const GB = 1_000_000_000;

function Form({ policy }: { policy: RetentionPolicy }) {
  const [fields, setFields] = useState(policy);
  const [asking, ask] = useState<RetentionPreview>();
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => saveRetention(fields),
    onSuccess: (after) => {
      client.setQueryData(retentionQuery.queryKey, after);
      setFields(after.policy);
      done('Retention is saved');
    },
    onSettled: () => ask(undefined),
  });
  // What keeps less is looked at first: what went does not come back.
  const look = useMutation({
    mutationFn: () => previewRetention(fields),
    onSuccess: (preview) => (preview.isShorter ? ask(preview) : save.mutate()),
  });
  const set = (change: Partial<RetentionPolicy>) => {
    save.reset();
    look.reset();
    setFields({ ...fields, ...change });
  };
  const error = look.error ?? save.error;
  return (
    <Panel title="Retention" label="Retention">
      <form
        className="kp-stack"
        onSubmit={(event) => {
          event.preventDefault();
          look.mutate();
        }}
      >
        <Fields fields={fields} set={set} />
        {error && (
          <Alert color="red" variant="light" title="It was not saved" role="alert">
            <span style={{ whiteSpace: 'pre-wrap' }}>{words(error)}</span>
          </Alert>
        )}
        <Group>
          <Button type="submit" size="sm" loading={look.isPending || save.isPending}>
            Save
          </Button>
        </Group>
      </form>
      <Confirm
        opened={asking !== undefined}
        title="Keep less history?"
        action="Save and purge"
        keep="Keep what there is"
        busy={save.isPending}
        confirm={() => save.mutate()}
        close={() => ask(undefined)}
      >
        {asking && wouldGo(asking)} It cannot be brought back. Jobs that wait, runs that are not
        finished, and their events stay whatever their age.
      </Confirm>
    </Panel>
  );
}

interface FieldsProps {
  fields: RetentionPolicy;
  set: (change: Partial<RetentionPolicy>) => void;
}

function Fields({ fields, set }: FieldsProps) {
  const number = (value: string | number) => (value === '' ? null : Number(value));
  return (
    <div className="kp-fields kp-fields-wide">
      <NumberInput
        label="Keep history for, in days"
        description="Events and jobs, with their attempts, that are older are purged."
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
        label="Keep finished runs for, in days"
        description="With their tasks and errors. Runs that are not finished stay."
        placeholder="Forever"
        min={1}
        value={fields.runDays ?? ''}
        onChange={(days) => set({ runDays: number(days) })}
      />
      <NumberInput
        label="Keep inspected requests for, in days"
        description="What request inspectors recorded; a week at most."
        min={1}
        max={7}
        value={fields.inspectorDays}
        onChange={(days) => set({ inspectorDays: Number(days) })}
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
  );
}

function State({ retention }: { retention: Retention }) {
  const last = retention.lastPurge;
  return (
    <Panel title="What is kept" label="What is kept">
      <Facts
        rows={[
          ['Takes up', last ? `about ${bytes(retention.bytes)}` : 'Measured with the first purge'],
          ['Oldest', retention.oldestKeptAt ? <When at={retention.oldestKeptAt} /> : 'Nothing yet'],
          ['Last purge', last ? <When at={last.at} /> : 'Not yet'],
          [
            'It removed',
            last &&
              `${plural(last.rows, 'row')} and ${plural(last.payloads, 'payload')}, ` +
                `about ${bytes(last.bytes)}`,
          ],
        ]}
      />
    </Panel>
  );
}
