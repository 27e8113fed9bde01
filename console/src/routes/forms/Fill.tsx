// Filling in a form: its pages one after the other, a draft at any time, submitted at the end.
import { Button, Group, Progress, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type FormEvent } from 'react';
import type { Place } from '../../api/forms';
import { create, update } from '../../api/submissions';
import type { ButtonElement, Element, Form, Submission } from '../../api/types';
import {
  changes,
  initialValues,
  problemsOf,
  submittablePages,
  type Problems,
} from '../../logic/forms';
import { done, failed } from '../../parts/notify';
import { Fields } from './Fields';

interface Props {
  kapp: Place;
  form: Form;
  submission?: Submission;
  /** Told where the submission went: as a draft, or submitted. */
  saved: (submission: Submission, submitted: boolean) => void;
}

export function Fill({ kapp, form, submission, saved }: Props) {
  const [values, setValues] = useState(() => initialValues(form, submission?.values));
  const [problems, setProblems] = useState<Problems>({});
  const [at, setAt] = useState(0);
  const box = useRef<HTMLFormElement>(null);
  const pages = submittablePages(form);
  const page = pages[at];
  const save = useSave({ kapp, form, submission, values, saved });
  const closed = submission?.coreState === 'Closed';

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!page || closed) return;
    const found = problemsOf(page, values);
    setProblems(found);
    if (Object.keys(found).length) {
      requestAnimationFrame(() => firstInvalid(box.current)?.focus());
      return;
    }
    if (at < pages.length - 1) setAt(at + 1);
    else save.mutate(true);
  };

  if (!page) return <Text c="dimmed">This form has no page to fill in.</Text>;
  return (
    <form ref={box} onSubmit={submit} noValidate aria-label={form.name}>
      {pages.length > 1 && <Steps at={at} total={pages.length} name={page.name} />}
      <Fields
        elements={page.elements}
        values={values}
        problems={problems}
        readOnly={closed}
        change={(name, value) => {
          setValues((now) => ({ ...now, [name]: value }));
          setProblems(({ [name]: _, ...rest }) => rest);
        }}
      />
      {!closed && (
        <Group mt="xl" gap="xs">
          <Button type="submit" size="sm" loading={save.isPending && save.variables}>
            {at < pages.length - 1 ? 'Next' : submitLabel(page.elements, submission)}
          </Button>
          {at > 0 && (
            <Button size="sm" variant="default" onClick={() => setAt(at - 1)}>
              Back
            </Button>
          )}
          {(!submission || submission.coreState === 'Draft') && (
            <Button
              size="sm"
              variant="subtle"
              color="gray"
              loading={save.isPending && !save.variables}
              onClick={() => save.mutate(false)}
            >
              Save as draft
            </Button>
          )}
        </Group>
      )}
    </form>
  );
}

interface SaveProps extends Props {
  values: Record<string, unknown>;
}

function useSave({ kapp, form, submission, values, saved }: SaveProps) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (submitted: boolean) => {
      if (!submission) return create(kapp, form.slug, values, submitted);
      const coreState = submitted && submission.coreState === 'Draft' ? 'Submitted' : undefined;
      return update(submission.id, {
        values: changes(submission.values ?? {}, values),
        coreState,
      });
    },
    onSuccess: (result, submitted) => {
      const before = submission?.coreState;
      done(
        submitted ? (before === 'Submitted' ? 'Saved' : `${form.name} submitted`) : 'Draft saved',
      );
      void client.invalidateQueries({ queryKey: ['submissions'] });
      void client.invalidateQueries({ queryKey: ['events'] });
      saved({ ...submission, ...result }, submitted);
    },
    onError: (error) => failed(`${form.name} could not be saved`, error),
  });
}

function Steps({ at, total, name }: { at: number; total: number; name: string }) {
  return (
    <div style={{ marginBottom: 20 }} aria-live="polite">
      <Text size="sm" c="dimmed" mb={6}>
        Step {at + 1} of {total} · {name}
      </Text>
      <Progress
        value={((at + 1) / total) * 100}
        size={4}
        aria-label={`Step ${at + 1} of ${total}`}
      />
    </div>
  );
}

function submitLabel(elements: Element[], submission?: Submission): string {
  if (submission?.coreState === 'Submitted') return 'Save changes';
  const button = findButton(elements);
  return button?.label || button?.name || 'Submit';
}

function findButton(elements: Element[] = []): ButtonElement | undefined {
  for (const element of elements) {
    if (element.type === 'button' && element.renderType === 'submit-page') return element;
    const inside = element.type === 'section' ? findButton(element.elements) : undefined;
    if (inside) return inside;
  }
  return undefined;
}

const firstInvalid = (box: HTMLElement | null) =>
  box?.querySelector<HTMLElement>('[aria-invalid="true"], [data-error="true"] input');
