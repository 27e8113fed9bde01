// What an inspector answers: status, headers, body and how long it takes, to rehearse failures.
import { Button, Drawer, Group, NumberInput, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { inspector as inspectorQuery, update, type Inspector } from '../../api/inspectors';
import { formatHeaders, parseHeaders } from '../../logic/headers';
import { done, words } from '../../parts/notify';

interface Props {
  inspector: Inspector;
  opened: boolean;
  close: () => void;
}

export function AnswerForm({ inspector, opened, close }: Props) {
  return (
    <Drawer
      opened={opened}
      onClose={close}
      position="right"
      title="What it answers"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && <Fields inspector={inspector} close={close} />}
    </Drawer>
  );
}

const REHEARSALS: [string, number, number][] = [
  ['Works', 200, 0],
  ['Busy', 503, 0],
  ['Broken', 500, 0],
  ['Gone', 410, 0],
  ['Slow', 200, 10_000],
];

function Fields({ inspector, close }: Omit<Props, 'opened'>) {
  const [name, setName] = useState(inspector.name);
  const [status, setStatus] = useState<number | string>(inspector.status);
  const [delay, setDelay] = useState<number | string>(inspector.delayMs);
  const [headers, setHeaders] = useState(() => formatHeaders(inspector.headers));
  const [text, setText] = useState(inspector.body);
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () =>
      update(inspector.id, {
        name: name.trim(),
        status: Number(status),
        delayMs: Number(delay) || 0,
        headers: parseHeaders(headers),
        body: text,
      }),
    onSuccess: (after) => {
      client.setQueryData(inspectorQuery(inspector.id).queryKey, after);
      void client.invalidateQueries({ queryKey: ['inspectors', 'list'] });
      done(`It answers with ${after.status} now`);
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <div className="kp-stack">
        <Group gap={6} aria-label="Rehearse" role="group">
          {REHEARSALS.map(([label, code, wait]) => (
            <Button
              key={label}
              size="compact-xs"
              variant={Number(status) === code && Number(delay) === wait ? 'light' : 'default'}
              onClick={() => {
                setStatus(code);
                setDelay(wait);
              }}
            >
              {label}
            </Button>
          ))}
        </Group>
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <NumberInput label="Status" min={200} max={599} value={status} onChange={setStatus} />
        <NumberInput
          label="Delay"
          description="Milliseconds before it answers, to rehearse a slow receiver."
          min={0}
          max={30_000}
          step={500}
          value={delay}
          onChange={setDelay}
        />
        <Textarea
          label="Headers"
          description="One on each line, such as Retry-After: 30."
          autosize
          minRows={2}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--kp-mono)', fontSize: 12.5 } }}
          value={headers}
          onChange={(event) => setHeaders(event.currentTarget.value)}
        />
        <Textarea
          label="Body"
          autosize
          minRows={4}
          maxRows={16}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--kp-mono)', fontSize: 12.5 } }}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {save.isError && (
          <p role="alert" style={{ margin: 0, color: 'var(--kp-bad)', fontSize: 13 }}>
            {words(save.error)}
          </p>
        )}
        <Button type="submit" loading={save.isPending} style={{ alignSelf: 'flex-start' }}>
          Save
        </Button>
      </div>
    </form>
  );
}
