// One operation: its request with inputs, what is taken from the answer, and a place to try it.
import { Button, Group, Select, Textarea, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
import {
  createOperation,
  operations as operationsQuery,
  removeOperation,
  updateOperation,
  type Connection,
  type Operation,
} from '../../api/connections';
import { isDatabase } from '../../logic/addresses';
import {
  draftOf,
  fieldsOf,
  METHODS,
  NEW,
  NEW_STATEMENT,
  type BodyKind,
  type Draft,
} from '../../logic/operations';
import { Confirm } from '../../parts/Confirm';
import { done, failed, words } from '../../parts/notify';
import { Panel } from '../../parts/Page';
import { Try } from './Try';

interface Props {
  connection: Connection;
  operation?: Operation;
  show: (id: string | undefined) => void;
}

export function OperationPanel({ connection, operation, show }: Props) {
  const blank = isDatabase(connection.config) ? NEW_STATEMENT : NEW;
  const [draft, setDraft] = useState<Draft>(() => (operation ? draftOf(operation) : blank));
  const client = useQueryClient();
  const refresh = () =>
    client.invalidateQueries({ queryKey: operationsQuery(connection.id).queryKey });
  const save = useMutation({
    mutationFn: async () => {
      const fields = fieldsOf(draft, operation);
      if (!operation) return createOperation(connection.id, fields);
      const { lockVersion } = operation;
      return updateOperation(connection.id, operation.id, { ...fields, lockVersion });
    },
    onSuccess: async (after) => {
      await refresh();
      done(`${after.name} saved`);
      show(after.id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <div className="kp-stack">
      <Panel
        title={operation?.name ?? 'New operation'}
        label="Operation"
        actions={operation && <Remove connection={connection} operation={operation} show={show} />}
      >
        <form onSubmit={submit}>
          <div className="kp-stack">
            <Fields draft={draft} set={(some) => setDraft({ ...draft, ...some })} />
            {save.isError && (
              <p role="alert" style={{ margin: 0, color: 'var(--kp-bad)', whiteSpace: 'pre-wrap' }}>
                {words(save.error)}
              </p>
            )}
            <Button type="submit" loading={save.isPending} style={{ alignSelf: 'flex-start' }}>
              {operation ? 'Save' : 'Create operation'}
            </Button>
          </div>
        </form>
      </Panel>
      <Try connection={connection.id} draft={draft} operation={operation} />
    </div>
  );
}

const MONO = { input: { fontFamily: 'var(--kp-mono)', fontSize: 12.5 } };

const BODIES: { value: BodyKind; label: string }[] = [
  { value: 'raw', label: 'Text' },
  { value: 'www_form_urlencoded', label: 'Form' },
  { value: 'multipart_form', label: 'Parts' },
];

const BODY_HINTS: Record<BodyKind, string> = {
  raw: 'JSON, XML or text. {{Name}} is escaped for what it stands in, {{{Name}}} is not.',
  www_form_urlencoded: 'One field on each line: name: value.',
  multipart_form: 'A JSON list: [{"name": "file", "content": "{{Text}}", "fileName": "a.txt"}].',
};

interface FieldsProps {
  draft: Draft;
  set: (some: Partial<Draft>) => void;
}

type Area = (
  member: 'statement' | 'parameters' | 'params' | 'headers' | 'body' | 'outputs',
  label: string,
  hint: string,
) => ReactNode;

function Fields({ draft, set }: FieldsProps) {
  const area: Area = (member, label, hint) => (
    <Textarea
      label={label}
      description={hint}
      autosize
      minRows={2}
      maxRows={16}
      spellCheck={false}
      styles={MONO}
      value={draft[member]}
      onChange={(event) => set({ [member]: event.currentTarget.value })}
    />
  );
  return (
    <>
      <TextInput
        label="Name"
        placeholder="Read a ticket"
        value={draft.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      {draft.kind === 'postgres' ? (
        <>
          {area(
            'statement',
            'Statement',
            'SQL with $1, $2 and so on for its parameters. What begins with SELECT cannot write.',
          )}
          {area(
            'parameters',
            'Parameters',
            'One on each line, in the order of their numbers, such as {{Ticket Id}}.',
          )}
        </>
      ) : (
        <RequestFields draft={draft} set={set} area={area} />
      )}
      {area(
        'outputs',
        'Outputs',
        'One on each line: Name = expression, in JavaScript over body, headers and statusCode. ' +
          'Indented lines are made for each item of a list, over current.',
      )}
    </>
  );
}

function RequestFields({ draft, set, area }: FieldsProps & { area: Area }) {
  return (
    <>
      <Group align="start" wrap="nowrap" gap={8}>
        <Select
          label="Method"
          w={110}
          allowDeselect={false}
          data={METHODS}
          value={draft.method}
          onChange={(method) => set({ method: method ?? 'GET' })}
        />
        <TextInput
          label="Path"
          style={{ flex: 1 }}
          spellCheck={false}
          styles={MONO}
          value={draft.path}
          onChange={(event) => set({ path: event.currentTarget.value })}
        />
      </Group>
      <p className="kp-small kp-dim" style={{ margin: 0 }}>
        Write <code>{'{{Ticket Id}}'}</code> for an input, <code>{'{{Ticket Id*}}'}</code> for a
        required one. Those of the path are always required.
      </p>
      {area('params', 'Query', 'One on each line, such as q: {{Query}}. Empty ones are left out.')}
      {area('headers', 'Headers', 'One on each line, such as X-Api-Key: {{secrets.Key}}.')}
      {draft.method !== 'GET' && (
        <>
          <Select
            label="Body is"
            w={160}
            allowDeselect={false}
            data={BODIES}
            value={draft.bodyKind}
            onChange={(kind) => set({ bodyKind: (kind ?? 'raw') as BodyKind })}
          />
          {area('body', 'Body', BODY_HINTS[draft.bodyKind])}
        </>
      )}
    </>
  );
}

function Remove({ connection, operation, show }: Required<Props>) {
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const drop = useMutation({
    mutationFn: () => removeOperation(connection.id, operation.id),
    onSuccess: () => {
      done(`Operation ${operation.name} deleted`);
      show(undefined);
    },
    onError: (error) => failed('Could not delete it', error),
    onSettled: () =>
      void client.invalidateQueries({ queryKey: operationsQuery(connection.id).queryKey }),
  });
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconTrash size={13} />}
        onClick={() => setAsking(true)}
      >
        Delete operation
      </Button>
      <Confirm
        opened={asking}
        title={`Delete the operation “${operation.name}”?`}
        action={`Delete ${operation.name}`}
        busy={drop.isPending}
        confirm={() => drop.mutate()}
        close={() => setAsking(false)}
      >
        Nodes of trees that call it will fail.
      </Confirm>
    </>
  );
}
