// Calls an operation as it is written, saved or not, and shows request, answer and outputs.
import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlayerPlay } from '@tabler/icons-react';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { execute, inspect, type Called, type Operation } from '../../api/connections';
import { fieldsOf, type Draft } from '../../logic/operations';
import { Body } from '../../parts/Body';
import { words } from '../../parts/notify';
import { Panel } from '../../parts/Page';

interface Props {
  connection: string;
  draft: Draft;
  operation?: Operation;
}

export function Try({ connection, draft, operation }: Props) {
  const [values, setValues] = useState<Record<string, string>>({});
  const [asked] = useDebouncedValue(draft, 300);
  const inputs = useQuery({
    queryKey: ['still', 'connections', 'inputs', asked],
    queryFn: () => inspect(fieldsOf(asked, operation).config),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const call = useMutation({
    mutationFn: async () => execute(connection, fieldsOf(draft, operation), values),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    call.mutate();
  };
  const required = new Set(inputs.data?.requiredInputs);
  return (
    <Panel title="Try it" label="Try it">
      <form onSubmit={submit}>
        <div className="kp-stack">
          <p className="kp-small kp-dim" style={{ margin: 0 }}>
            This calls the other system for real, with what stands above, saved or not.
          </p>
          {inputs.isError && (
            <p role="alert" style={{ margin: 0, whiteSpace: 'pre-wrap' }}>
              {words(inputs.error)}
            </p>
          )}
          {inputs.data?.detectedInputs.map((name) => (
            <TextInput
              key={name}
              label={name}
              withAsterisk={required.has(name) && !name.endsWith('*')}
              value={values[name] ?? ''}
              onChange={(event) => setValues({ ...values, [name]: event.currentTarget.value })}
            />
          ))}
          <Button
            type="submit"
            variant="light"
            leftSection={<IconPlayerPlay size={14} />}
            loading={call.isPending}
            style={{ alignSelf: 'flex-start' }}
          >
            Call it
          </Button>
        </div>
      </form>
      {call.isError && <p role="alert">{words(call.error)}</p>}
      {call.data && <Outcome of={call.data} />}
    </Panel>
  );
}

function Outcome({ of }: { of: Called }) {
  const { request, raw, outputs, error, duration } = of;
  return (
    <div className="kp-stack" style={{ marginTop: 16 }} aria-live="polite">
      {error && (
        <p role="alert" style={{ margin: 0, color: 'var(--kp-bad)' }}>
          {error}
        </p>
      )}
      {outputs && (
        <section aria-label="Outputs">
          <h3>Outputs</h3>
          <Body value={outputs} label="Outputs" maxHeight={320} />
        </section>
      )}
      {request && (
        <section aria-label="Sent">
          <h3>Sent</h3>
          <p className="kp-mono" style={{ overflowWrap: 'anywhere' }}>
            {request.method} {request.url}
          </p>
          <Pairs of={request.headers} label="Sent headers" />
          {request.body && <Body text={request.body} label="Sent body" maxHeight={320} />}
        </section>
      )}
      {raw && (
        <section aria-label="Answer">
          <h3>
            {request?.method === 'SQL' ? 'Answered' : `Answered ${raw.statusCode}`}
            {typeof duration === 'number' && ` in ${Math.round(duration)} ms`}
          </h3>
          <Pairs of={raw.headers} label="Answered headers" />
          <Body
            {...(typeof raw.body === 'string' ? { text: raw.body } : { value: raw.body })}
            label="Answer"
            maxHeight={320}
          />
        </section>
      )}
    </div>
  );
}

function Pairs({ of, label }: { of: Record<string, string>; label: string }) {
  const lines = Object.entries(of).map(([name, value]) => `${name}: ${value}`);
  return lines.length === 0 ? null : (
    <pre className="kp-code" aria-label={label}>
      {lines.join('\n')}
    </pre>
  );
}
