// Decides one approval in place: its form, by mouse or by keyboard, then the next one.
import { ActionIcon, Kbd } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { form as formQuery } from '../../api/forms';
import { submission as submissionQuery } from '../../api/submissions';
import { titleOfApproval } from '../../logic/approvals';
import { Fault, Panel, Waiting } from '../../parts/Page';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { Fill } from '../forms/Fill';

interface Props {
  id: string;
  /** The approval to go on with. */
  next: string | undefined;
  show: (id: string | undefined) => void;
}

export function Decide({ id, next, show }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { data: submission, error, refetch } = useQuery(submissionQuery(id));
  const kapp = submission?.form?.kapp?.slug ?? '';
  const slug = submission?.form?.slug ?? '';
  const { data: form } = useQuery({ ...formQuery(kapp, slug), enabled: kapp !== '' });
  const choose = (at: number) => {
    const choices = box.current?.querySelectorAll<HTMLInputElement>('input[type=radio]') ?? [];
    choices[at]?.click();
    choices[at]?.focus();
  };
  useHotkeys([
    ['a', () => choose(0)],
    ['d', () => choose(1)],
    ['Escape', () => show(undefined)],
  ]);
  // From inside the comment as well.
  useHotkeys([['mod+Enter', () => box.current?.querySelector('form')?.requestSubmit()]], []);
  if (error) return <Fault what="This approval" error={error} retry={() => void refetch()} />;
  if (!submission || !form) return <Waiting />;
  return (
    <div ref={box}>
      <Panel
        label="Decide"
        title={titleOfApproval(submission)}
        actions={
          <ActionIcon aria-label="Close the approval" size="sm" onClick={() => show(undefined)}>
            <IconX size={15} />
          </ActionIcon>
        }
      >
        <p className="kp-dim" style={{ margin: '0 0 14px', fontSize: 13 }}>
          {form.name} · asked <When at={submission.createdAt} /> ·{' '}
          <To to="/console/submissions/$id" params={{ id }}>
            Open the whole page
          </To>
        </p>
        {submission.coreState === 'Draft' ? (
          <Fill
            key={id}
            kapp={kapp}
            form={form}
            submission={submission}
            saved={(_, submitted) => submitted && show(next)}
          />
        ) : (
          <p style={{ margin: 0 }}>
            {submission.submittedBy ?? 'Somebody'} has decided this already.
          </p>
        )}
        <p className="kp-keys kp-dim">
          <Kbd size="xs">a</Kbd> <Kbd size="xs">d</Kbd> first and second choice ·{' '}
          <Kbd size="xs">Ctrl</Kbd> <Kbd size="xs">Enter</Kbd> decide · <Kbd size="xs">j</Kbd>{' '}
          <Kbd size="xs">k</Kbd> through the list
        </p>
      </Panel>
    </div>
  );
}
