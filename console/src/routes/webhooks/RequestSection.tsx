// What a webhook's request looks like: headers, who it says it is, signature, format, template.
import { ActionIcon, Button, Checkbox, Group, Select, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { RequestHeader, RequestOptions } from '../../api/webhooks';
import { isSet, requestHint, typed } from '../../logic/webhookParts';
import { Fold } from '../../parts/Fold';
import { To } from '../../parts/To';
import { Fieldset } from '../delivery/PolicyFields';
import { AuthFields } from './AuthFields';

interface Props {
  value: RequestOptions;
  set: (change: RequestOptions) => void;
}

const FORMATS = [
  { value: 'kinetic', label: 'Event with its records (default)' },
  { value: 'cloudevents-structured', label: 'CloudEvents, structured' },
  { value: 'cloudevents-binary', label: 'CloudEvents, binary' },
];

export function RequestSection({ value, set }: Props) {
  return (
    <Fold title="Request" hint={requestHint(value)}>
      <Headers value={value} set={set} />
      <Fieldset title="Who it says it is">
        <AuthFields value={value.auth ?? undefined} set={(auth) => set({ auth })} />
      </Fieldset>
      <Signing value={value} set={set} />
      <Fieldset title="Body">
        <Select
          label="Format"
          allowDeselect={false}
          data={FORMATS}
          value={value.format ?? 'kinetic'}
          onChange={(format) => set({ format: format === 'kinetic' ? undefined : format })}
        />
        <Textarea
          label="Template"
          description="A JavaScript expression whose value becomes the body. Empty: the whole payload. The verdict beside it shows the body it makes."
          placeholder="({ id: submission('id'), who: user('email') })"
          autosize
          minRows={2}
          maxRows={14}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--kp-mono)', fontSize: 12.5 } }}
          value={value.template ?? ''}
          onChange={(event) => set({ template: event.currentTarget.value || undefined })}
        />
      </Fieldset>
    </Fold>
  );
}

function Headers({ value, set }: Props) {
  const headers = value.headers ?? [];
  const change = (at: number, part: Partial<RequestHeader>) =>
    set({ headers: headers.map((one, index) => (index === at ? { ...one, ...part } : one)) });
  return (
    <Fieldset title="Headers">
      {headers.map((header, index) => (
        <Group key={index} gap="xs" wrap="nowrap" role="group" aria-label={`Header ${index + 1}`}>
          <TextInput
            size="xs"
            aria-label="Name"
            placeholder="X-Tenant"
            spellCheck={false}
            value={header.name}
            onChange={(event) => change(index, { name: event.currentTarget.value })}
          />
          <TextInput
            size="xs"
            style={{ flex: 1 }}
            aria-label="Value"
            type={header.secret ? 'password' : 'text'}
            autoComplete="off"
            placeholder={isSet(header.value) ? 'Kept: type to replace' : ''}
            spellCheck={false}
            value={typed(header.value)}
            onChange={(event) => change(index, { value: event.currentTarget.value })}
          />
          <Checkbox
            size="xs"
            label="Secret"
            checked={header.secret ?? false}
            onChange={(event) =>
              change(index, {
                secret: event.currentTarget.checked,
                value: isSet(header.value) ? '' : header.value,
              })
            }
          />
          <ActionIcon
            aria-label={`Remove the header ${header.name}`}
            onClick={() => set({ headers: headers.filter((_, at) => at !== index) })}
          >
            <IconTrash size={15} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() => set({ headers: [...headers, { name: '', value: '' }] })}
        >
          Add a header
        </Button>
      </div>
    </Fieldset>
  );
}

function Signing({ value, set }: Props) {
  const { v1 = true, v1a = true } = value.signing ?? {};
  return (
    <Fieldset title="Signature">
      <Checkbox
        label="Shared secret (v1)"
        checked={v1}
        onChange={(event) =>
          set({ signing: { ...value.signing, v1: event.currentTarget.checked } })
        }
      />
      <Checkbox
        label="Key pair (v1a)"
        checked={v1a}
        onChange={(event) =>
          set({ signing: { ...value.signing, v1a: event.currentTarget.checked } })
        }
      />
      <p className="kp-small kp-dim">
        With the keys of the space, which stand in the{' '}
        <To to="/console/settings" search={{ tab: 'keys' }} strong>
          settings
        </To>
        .
      </p>
    </Fieldset>
  );
}
