// Where another system is and how it is told who asks. Secrets are typed, kept, and not shown again.
import { Button, Group, PasswordInput, Select, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import type { AuthKind, Connection, ConnectionAuth, HttpConfig } from '../../api/connections';
import { isDatabase } from '../../logic/addresses';
import { words } from '../../parts/notify';
import { databaseDraft, DatabaseFields } from './DatabaseFields';

interface Props {
  connection?: Connection;
  /** What the button says. */
  action: string;
  busy: boolean;
  error: unknown;
  save: (fields: object) => void;
}

const SYSTEMS = [
  { value: 'http', label: 'Web API (HTTP)' },
  { value: 'postgres', label: 'PostgreSQL database' },
];

const KINDS: { value: AuthKind; label: string }[] = [
  { value: 'none', label: 'None' },
  { value: 'basic', label: 'User and password' },
  { value: 'raw_bearer_token', label: 'Token or API key in a header' },
  { value: 'client_credentials', label: 'OAuth2 client credentials' },
];

interface Field {
  member: string;
  label: string;
  secret?: boolean;
  usual?: string;
  hint?: string;
}

const FIELDS: Record<Exclude<AuthKind, 'none'>, Field[]> = {
  basic: [
    { member: 'username', label: 'User name' },
    { member: 'password', label: 'Password', secret: true },
  ],
  raw_bearer_token: [
    { member: 'token', label: 'Token', secret: true },
    { member: 'header', label: 'Header', usual: 'Authorization' },
    { member: 'prefix', label: 'Prefix', usual: 'Bearer', hint: 'Blank for an API key.' },
  ],
  client_credentials: [
    { member: 'tokenUrl', label: 'Token URL' },
    { member: 'clientId', label: 'Client id' },
    { member: 'clientSecret', label: 'Client secret', secret: true },
    { member: 'scope', label: 'Scope', hint: 'Separated by spaces; may be blank.' },
  ],
};

const SECRET: Record<string, string> = {
  basic: 'password',
  raw_bearer_token: 'token',
  client_credentials: 'clientSecret',
};

function blank(kind: Exclude<AuthKind, 'none'>): ConnectionAuth {
  const auth: ConnectionAuth = { authType: kind };
  for (const field of FIELDS[kind]) auth[field.member] = field.usual ?? '';
  return auth;
}

/** A secret that was not typed is sent as null, which keeps the stored one. */
function sent(auth: ConnectionAuth | null): ConnectionAuth | null {
  const member = auth && SECRET[auth.authType];
  return auth && member ? { ...auth, [member]: auth[member] || null } : auth;
}

interface HttpDraft {
  baseUrl: string;
  testPath: string;
  auth: ConnectionAuth | null;
}

const httpDraft = (config?: HttpConfig): HttpDraft => ({
  baseUrl: config?.baseUrl ?? '',
  testPath: config?.testPath ?? '',
  auth: config?.auth ?? null,
});

export function ConnectionForm({ connection, action, busy, error, save }: Props) {
  const config = connection?.config;
  const [kind, setKind] = useState(config && isDatabase(config) ? 'postgres' : 'http');
  const [name, setName] = useState(connection?.name ?? '');
  const [description, setDescription] = useState(connection?.description ?? '');
  const [http, setHttp] = useState(httpDraft(config && !isDatabase(config) ? config : undefined));
  const [database, setDatabase] = useState(
    databaseDraft(config && isDatabase(config) ? config : undefined),
  );
  const [caCert, setCaCert] = useState(config?.caCert ?? '');
  const [secrets, setSecrets] = useState<[string, string][]>(
    Object.keys(connection?.secrets ?? {}).map((one) => [one, '']),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const named = secrets.filter(([one]) => one.trim());
    // A password that was not typed is kept; of a new connection there is none.
    const password = database.password || (connection ? null : '');
    save({
      name: name.trim(),
      type: kind,
      description,
      config:
        kind === 'postgres'
          ? { configType: kind, ...database, host: database.host.trim(), password, caCert }
          : {
              configType: kind,
              ...http,
              baseUrl: http.baseUrl.trim(),
              caCert,
              auth: sent(http.auth),
            },
      secrets: Object.fromEntries(named.map(([one, value]) => [one.trim(), value || null])),
    });
  };
  return (
    <form onSubmit={submit}>
      <div className="kp-stack">
        {!connection && (
          <Select
            label="System"
            allowDeselect={false}
            data={SYSTEMS}
            value={kind}
            onChange={(one) => setKind(one ?? 'http')}
          />
        )}
        <TextInput
          label="Name"
          placeholder="Ticket system"
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {kind === 'postgres' ? (
          <DatabaseFields draft={database} kept={Boolean(connection)} set={setDatabase} />
        ) : (
          <HttpFields draft={http} former={connection} set={setHttp} />
        )}
        <Secrets rows={secrets} set={setSecrets} known={Object.keys(connection?.secrets ?? {})} />
        <Textarea
          label="Description"
          autosize
          minRows={2}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <Textarea
          label="Trusted certificates"
          description={
            kind === 'postgres'
              ? 'PEM of authorities to trust. Without any, a private address is spoken to in clear.'
              : 'PEM of authorities to trust besides the usual ones; may be blank.'
          }
          rows={3}
          spellCheck={false}
          value={caCert}
          onChange={(event) => setCaCert(event.currentTarget.value)}
        />
        {error !== null && error !== undefined && (
          <p role="alert" style={{ margin: 0, color: 'var(--kp-bad)', whiteSpace: 'pre-wrap' }}>
            {words(error)}
          </p>
        )}
        <Button type="submit" loading={busy} style={{ alignSelf: 'flex-start' }}>
          {action}
        </Button>
      </div>
    </form>
  );
}

interface HttpProps {
  draft: HttpDraft;
  former?: Connection;
  set: (draft: HttpDraft) => void;
}

function HttpFields({ draft, former, set }: HttpProps) {
  const { auth } = draft;
  const config = former?.config;
  const kept = config && !isDatabase(config) && config.auth?.authType === auth?.authType;
  const setAuth = (auth: ConnectionAuth | null) => set({ ...draft, auth });
  return (
    <>
      <TextInput
        label="Base URL"
        description="What every operation's path is added to, such as https://example.com/api/v1."
        spellCheck={false}
        value={draft.baseUrl}
        onChange={(event) => set({ ...draft, baseUrl: event.currentTarget.value })}
      />
      <TextInput
        label="Test path"
        description="A path that answers a GET with success and changes nothing."
        spellCheck={false}
        value={draft.testPath}
        onChange={(event) => set({ ...draft, testPath: event.currentTarget.value })}
      />
      <Select
        label="Authentication"
        allowDeselect={false}
        data={KINDS}
        value={auth?.authType ?? 'none'}
        onChange={(kind) =>
          setAuth(
            kind === null || kind === 'none' ? null : blank(kind as Exclude<AuthKind, 'none'>),
          )
        }
      />
      {auth &&
        FIELDS[auth.authType].map((field) => {
          const Input = field.secret ? PasswordInput : TextInput;
          return (
            <Input
              key={field.member}
              label={field.label}
              description={field.hint}
              autoComplete="off"
              spellCheck={false}
              placeholder={field.secret && kept ? 'Kept: type to replace' : undefined}
              value={auth[field.member] ?? ''}
              onChange={(event) => setAuth({ ...auth, [field.member]: event.currentTarget.value })}
            />
          );
        })}
    </>
  );
}

interface SecretsProps {
  rows: [string, string][];
  known: string[];
  set: (rows: [string, string][]) => void;
}

function Secrets({ rows, known, set }: SecretsProps) {
  const change = (index: number, row: [string, string]) =>
    set(rows.map((other, at) => (at === index ? row : other)));
  return (
    <fieldset className="kp-fieldset">
      <legend className="kp-legend">Secrets</legend>
      <p className="kp-small kp-dim">
        For operations, which write them as <code>{'{{secrets.Name}}'}</code>.
      </p>
      {rows.map(([name, value], index) => (
        <Group key={index} gap={6} align="end" wrap="nowrap" mb={6}>
          <TextInput
            aria-label={`Name of secret ${index + 1}`}
            placeholder="Name"
            value={name}
            onChange={(event) => change(index, [event.currentTarget.value, value])}
          />
          <PasswordInput
            aria-label={`Value of secret ${index + 1}`}
            style={{ flex: 1 }}
            autoComplete="off"
            placeholder={known.includes(name) ? 'Kept: type to replace' : 'Value'}
            value={value}
            onChange={(event) => change(index, [name, event.currentTarget.value])}
          />
          <Button
            variant="default"
            aria-label={`Remove secret ${name || index + 1}`}
            onClick={() => set(rows.filter((_, at) => at !== index))}
          >
            <IconTrash size={14} />
          </Button>
        </Group>
      ))}
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconPlus size={13} />}
        onClick={() => set([...rows, ['', '']])}
      >
        Add a secret
      </Button>
    </fieldset>
  );
}
