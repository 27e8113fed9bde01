// Where a PostgreSQL database is and who asks. The password is typed, kept, and not shown again.
import { Group, NumberInput, PasswordInput, TextInput } from '@mantine/core';
import type { DatabaseConfig } from '../../api/connections';

/** What the form holds; a blank password is kept, or of a new connection none. */
export interface DatabaseDraft {
  host: string;
  port: number;
  database: string;
  username: string;
  password: string;
  poolSize: number;
}

export const databaseDraft = (config?: DatabaseConfig): DatabaseDraft => ({
  host: config?.host ?? '',
  port: config?.port ?? 5432,
  database: config?.database ?? '',
  username: config?.username ?? '',
  password: '',
  poolSize: config?.poolSize ?? 5,
});

interface Props {
  draft: DatabaseDraft;
  /** Whether there may be a password already. */
  kept: boolean;
  set: (draft: DatabaseDraft) => void;
}

export function DatabaseFields({ draft, kept, set }: Props) {
  const text = (member: 'host' | 'database' | 'username', label: string) => (
    <TextInput
      label={label}
      style={{ flex: 1 }}
      autoComplete="off"
      spellCheck={false}
      value={draft[member]}
      onChange={(event) => set({ ...draft, [member]: event.currentTarget.value })}
    />
  );
  const number = (member: 'port' | 'poolSize', label: string, max: number, hint?: string) => (
    <NumberInput
      label={label}
      description={hint}
      w={hint ? undefined : 110}
      min={1}
      max={max}
      allowDecimal={false}
      thousandSeparator=""
      value={draft[member]}
      onChange={(value) => set({ ...draft, [member]: Number(value) })}
    />
  );
  return (
    <>
      <Group align="start" wrap="nowrap" gap={8}>
        {text('host', 'Host')}
        {number('port', 'Port', 65_535)}
      </Group>
      {text('database', 'Database')}
      {text('username', 'User name')}
      <PasswordInput
        label="Password"
        autoComplete="off"
        placeholder={kept ? 'Kept: type to replace' : undefined}
        value={draft.password}
        onChange={(event) => set({ ...draft, password: event.currentTarget.value })}
      />
      {number(
        'poolSize',
        'Statements at once',
        100,
        'Of this connection on each node; later ones wait.',
      )}
    </>
  );
}
