// How a webhook's jobs are delivered where that differs from the space.
import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { delivery as deliveryQuery, type Overrides } from '../../api/delivery';
import { merged } from '../../logic/policy';
import { deliveryHint } from '../../logic/webhookParts';
import { Fold } from '../../parts/Fold';
import { Fault, Waiting } from '../../parts/Page';
import { SpanInput } from '../../parts/SpanInput';
import { Fieldset, PolicyFields } from '../delivery/PolicyFields';

interface Props {
  value: Overrides;
  set: (change: Overrides) => void;
}

export function DeliverySection({ value, set }: Props) {
  return (
    <Fold title="Delivery" hint={deliveryHint(value)}>
      <Order value={value} set={set} />
      <Inherited value={value} set={set} />
    </Fold>
  );
}

function Order({ value, set }: Props) {
  return (
    <Fieldset title="Order and time">
      <div className="kp-fields kp-fields-wide">
        <TextInput
          label="In order for each"
          description="Jobs with the same value go out one after the other."
          placeholder="${submission('id')}"
          spellCheck={false}
          value={value.orderBy ?? ''}
          onChange={(event) => set({ orderBy: event.currentTarget.value || undefined })}
        />
        <TextInput
          label="Only the latest for each"
          description="A newer job takes the place of one that still waits."
          placeholder="${submission('id')}"
          spellCheck={false}
          value={value.coalesceBy ?? ''}
          onChange={(event) => set({ coalesceBy: event.currentTarget.value || undefined })}
        />
        <SpanInput
          label="Wait before sending"
          description="Time to collect newer changes, or for a colleague to undo."
          value={value.delayMs}
          change={(delayMs) => set({ delayMs })}
        />
        <SpanInput
          label="Worthless after"
          description="A job that is older is cancelled instead of sent."
          value={value.ttlMs}
          change={(ttlMs) => set({ ttlMs })}
        />
      </div>
    </Fieldset>
  );
}

function Inherited({ value, set }: Props) {
  const { data, error, refetch } = useQuery(deliveryQuery);
  if (error) return <Fault what="The space’s policy" error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting rows={4} />;
  const effective = merged(data.policy, value);
  return <PolicyFields value={value} effective={effective} inherited={data.policy} set={set} />;
}
