// A handler of one's own: made, changed, tried, deleted.
import {
  Button,
  Drawer,
  Group,
  NumberInput,
  Select,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { create, newSecret, remove, update, usage, type Handler } from '../../api/handlers';
import { formatFields, parametersOf, parseFields } from '../../logic/fields';
import { Confirm } from '../../parts/Confirm';
import { done, failed, words } from '../../parts/notify';
import { TryHandler } from './TryHandler';

interface Props {
  handler?: Handler;
  opened: boolean;
  close: () => void;
  /** Told the secret that was just made. */
  made: (secret: string) => void;
}

export function HandlerDrawer(props: Props) {
  const { handler, opened, close } = props;
  return (
    <Drawer
      opened={opened}
      onClose={close}
      position="right"
      size="lg"
      title={handler?.name ?? 'New handler'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && (
        <div className="kp-stack">
          <Fields {...props} />
          {handler && !handler.needsUrl && <TryHandler handler={handler} />}
          {handler && <Ends {...props} handler={handler} />}
        </div>
      )}
    </Drawer>
  );
}

const EFFECTS = [
  { value: 'keyed', label: 'Keyed: a repeat is recognised by its key' },
  { value: 'repeatable', label: 'Repeatable: a repeat does no harm' },
  { value: 'once', label: 'Once: a person decides after an interruption' },
];

const MONO = { input: { fontFamily: 'var(--kp-mono)', fontSize: 12.5 } };

function Fields({ handler, close, made }: Props) {
  const [id, setId] = useState('');
  const [name, setName] = useState(handler?.name ?? '');
  const [description, setDescription] = useState(handler?.description ?? '');
  const [url, setUrl] = useState(handler?.url ?? '');
  const [effect, setEffect] = useState(handler?.effect ?? 'keyed');
  const [seconds, setSeconds] = useState<number | string>(handler?.timeoutSeconds ?? 30);
  const [active, setActive] = useState(handler?.status !== 'Inactive');
  const [parameters, setParameters] = useState(() =>
    formatFields((handler?.parameters ?? []).map((one) => ({ ...one, name: one.id }))),
  );
  const [results, setResults] = useState(() =>
    formatFields((handler?.results ?? []).map((one) => ({ ...one, required: false }))),
  );
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => {
      const fields = {
        name: name.trim() || undefined,
        description,
        url: url.trim(),
        effect,
        timeoutSeconds: Number(seconds),
        status: active ? 'Active' : 'Inactive',
        parameters: parametersOf(parameters, handler?.parameters ?? []),
        results: parseFields(results).map((one) => ({
          name: one.name,
          description: one.description,
        })),
      };
      return handler
        ? update(handler.definitionId, fields)
        : create({ ...fields, definitionId: id.trim() });
    },
    onSuccess: async (after) => {
      await client.invalidateQueries({ queryKey: ['handlers'] });
      done(`Nodes can name ${after.definitionId}`);
      close();
      if (after.secret) made(after.secret);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <div className="kp-stack">
        {!handler && (
          <TextInput
            label="Id"
            description="What nodes name; small letters, digits and _, with a version at the end."
            placeholder="acme_label_print_v1"
            data-autofocus
            styles={MONO}
            value={id}
            onChange={(event) => setId(event.currentTarget.value)}
          />
        )}
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="URL"
          description={
            handler?.needsUrl
              ? 'It was imported without one. Runs that reach it stop until it has a URL; then draw a new secret for whatever answers there.'
              : 'Where its work is done; it is called with POST.'
          }
          placeholder="https://labels.example.com/print"
          styles={MONO}
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <Textarea
          label="What it does"
          autosize
          minRows={2}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <Textarea
          label="Parameters"
          description="One on each line: text*: What it says. A * means required."
          autosize
          minRows={2}
          spellCheck={false}
          styles={MONO}
          value={parameters}
          onChange={(event) => setParameters(event.currentTarget.value)}
        />
        <Textarea
          label="Results"
          description="One on each line: Pages: How many were printed."
          autosize
          minRows={2}
          spellCheck={false}
          styles={MONO}
          value={results}
          onChange={(event) => setResults(event.currentTarget.value)}
        />
        <Select
          label="Effect"
          data={EFFECTS}
          allowDeselect={false}
          value={effect}
          onChange={(value) => setEffect(value ?? 'keyed')}
        />
        <NumberInput
          label="Seconds to answer"
          description="What takes longer answers that it defers."
          min={1}
          max={120}
          value={seconds}
          onChange={setSeconds}
        />
        <Switch
          label="Active"
          checked={active}
          onChange={(event) => setActive(event.currentTarget.checked)}
        />
        {save.isError && (
          <p role="alert" style={{ margin: 0, color: 'var(--kp-bad)', fontSize: 13 }}>
            {words(save.error)}
          </p>
        )}
        <Button type="submit" loading={save.isPending} style={{ alignSelf: 'flex-start' }}>
          {handler ? 'Save' : 'Create handler'}
        </Button>
      </div>
    </form>
  );
}

/** A new secret, and the end of it, with what uses it. */
function Ends({ handler, close, made }: Props & { handler: Handler }) {
  const [asking, setAsking] = useState(false);
  const users = useQuery({ ...usage(handler.definitionId), enabled: asking });
  const client = useQueryClient();
  const renew = useMutation({
    mutationFn: () => newSecret(handler.definitionId),
    onSuccess: (after) => {
      if (after.secret) made(after.secret);
    },
    onError: (error) => failed('It has no new secret', error),
  });
  const end = useMutation({
    mutationFn: () => remove(handler.definitionId),
    onSuccess: async () => {
      setAsking(false);
      close();
      done(`Deleted ${handler.definitionId}`);
      await client.invalidateQueries({ queryKey: ['handlers'] });
    },
    onError: (error) => failed('It was not deleted', error),
  });
  return (
    <Group>
      <Button variant="default" loading={renew.isPending} onClick={() => renew.mutate()}>
        New secret
      </Button>
      <Button variant="subtle" color="red" onClick={() => setAsking(true)}>
        Delete
      </Button>
      <Confirm
        opened={asking}
        title={`Delete ${handler.definitionId}?`}
        action={`Delete ${handler.name}`}
        busy={end.isPending}
        confirm={() => end.mutate()}
        close={() => setAsking(false)}
      >
        {users.data === undefined ? (
          'Looking for the trees that use it …'
        ) : users.data.length === 0 ? (
          'No tree uses it.'
        ) : (
          <>
            Nodes of these trees fail from then on:
            <ul>
              {users.data.map((tree) => (
                <li key={tree.title}>{tree.title}</li>
              ))}
            </ul>
          </>
        )}
      </Confirm>
    </Group>
  );
}
