// How a webhook proves to a receiver who it is. Secrets are typed, kept, and never shown again.
import { PasswordInput, Select, Textarea, TextInput } from '@mantine/core';
import type { Auth } from '../../api/webhooks';
import { AUTH_FIELDS, isSet, typed } from '../../logic/webhookParts';

interface Props {
  value: Auth | undefined;
  set: (auth: Auth | undefined) => void;
}

const KINDS = [
  { value: 'none', label: 'Nothing but the signature' },
  { value: 'basic', label: 'User and password' },
  { value: 'bearer', label: 'Bearer token' },
  { value: 'oauth2', label: 'OAuth2 client credentials' },
  { value: 'mtls', label: 'Client certificate (mutual TLS)' },
];

export function AuthFields({ value, set }: Props) {
  return (
    <>
      <Select
        label="Authentication"
        allowDeselect={false}
        data={KINDS}
        value={value?.type ?? 'none'}
        onChange={(kind) =>
          set(kind === 'none' || kind === null ? undefined : { type: kind as Auth['type'] })
        }
      />
      {value && (
        <div className="kp-fields kp-fields-wide">
          {AUTH_FIELDS[value.type].map((field) => {
            const now = value[field.name];
            const Input = field.long ? Textarea : field.secret ? PasswordInput : TextInput;
            return (
              <Input
                key={field.name}
                label={field.label}
                required={!field.optional && !isSet(now)}
                withAsterisk={false}
                autoComplete="off"
                spellCheck={false}
                {...(field.long && { rows: 4 })}
                placeholder={isSet(now) ? 'Kept: type to replace' : undefined}
                value={typed(now)}
                onChange={(event) => set({ ...value, [field.name]: event.currentTarget.value })}
              />
            );
          })}
        </div>
      )}
    </>
  );
}
