// Tries a handler out: calls it with parameters, outside of any run, and shows what came of it.
import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { tryOut, type Handler, type Trial } from '../../api/handlers';
import { words } from '../../parts/notify';

export function TryHandler({ handler }: { handler: Handler }) {
  const [values, setValues] = useState<Record<string, string>>({});
  const trial = useMutation({ mutationFn: () => tryOut(handler.definitionId, values) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    trial.mutate();
  };
  return (
    <section aria-label="Try it">
      <h3 style={{ margin: '18px 0 8px', fontSize: 12.5 }}>Try it</h3>
      <form onSubmit={submit}>
        <div className="kp-stack">
          {handler.parameters.map(({ id, description, required }) => (
            <TextInput
              key={id}
              label={`Value of ${id}`}
              description={description}
              required={required}
              value={values[id] ?? ''}
              onChange={(event) => {
                const value = event.currentTarget.value;
                setValues((before) => ({ ...before, [id]: value }));
              }}
            />
          ))}
          <Button
            type="submit"
            variant="default"
            loading={trial.isPending}
            style={{ alignSelf: 'flex-start' }}
          >
            Call it now
          </Button>
          {trial.isError && <p role="alert">{words(trial.error)}</p>}
          {trial.data && <Outcome trial={trial.data} />}
        </div>
      </form>
    </section>
  );
}

function Outcome({ trial }: { trial: Trial }) {
  const said =
    trial.error ?? (trial.deferred ? 'It would complete the node later.' : 'It is done.');
  return (
    <div role="status">
      <p>
        {trial.status === null ? 'No answer' : `Answered ${trial.status}`} after {trial.durationMs}{' '}
        ms. {said}
      </p>
      {trial.results && Object.keys(trial.results).length > 0 && (
        <pre className="kp-code">{JSON.stringify(trial.results, null, 2)}</pre>
      )}
    </div>
  );
}
