// Approvals: forms that a waiting workflow left for a person to fill in.
import { VisuallyHidden } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { fieldsOf, submittablePages } from '../../logic/forms';
import { inline } from '../../logic/text';
import { LinkButton } from '../../parts/Button';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { TOKEN_FIELD, useApprovals, type Approval } from './useApprovals';

export function Approvals() {
  const { approvals, settled, error } = useApprovals();
  const navigate = useNavigate();
  return (
    <>
      <Head
        title="Approvals"
        lead="Each of these holds up a workflow until somebody answers it. Submitting the answer lets the run go on."
      />
      {error ? (
        <Fault what="Approvals" error={error} />
      ) : settled && approvals.length === 0 ? (
        <Empty icon={IconChecklist} title="Nothing waits for an answer">
          When a workflow needs a decision it creates a draft here and waits. Deciding takes one
          click and a comment.
        </Empty>
      ) : (
        <Rows
          label="Open approvals"
          rows={settled || approvals.length ? approvals : undefined}
          rowKey={(one) => one.submission.id}
          open={(one) =>
            void navigate({
              to: '/console/submissions/$id',
              params: { id: one.submission.id },
              search: {},
            })
          }
          columns={[
            {
              title: 'What',
              clip: true,
              cell: (one) => (
                <To to="/console/submissions/$id" params={{ id: one.submission.id }} strong>
                  {titleOfApproval(one)}
                </To>
              ),
            },
            { title: 'Form', width: 180, cell: (one) => one.form.name },
            { title: 'Kapp', width: 120, cell: (one) => one.kapp },
            { title: 'Waiting', width: 130, cell: (one) => <When at={one.submission.createdAt} /> },
            {
              title: <VisuallyHidden>Action</VisuallyHidden>,
              width: 110,
              align: 'right',
              cell: (one) => (
                <LinkButton
                  size="compact-sm"
                  to="/console/submissions/$id"
                  params={{ id: one.submission.id }}
                >
                  Decide
                </LinkButton>
              ),
            },
          ]}
        />
      )}
    </>
  );
}

/** The label when it says something, else the first value that a person can read. */
export function titleOfApproval({ form, submission }: Approval): string {
  if (submission.label && submission.label !== submission.id) return submission.label;
  const fields = submittablePages(form).flatMap((page) => fieldsOf(page.elements, true));
  for (const field of fields) {
    const value = field.name === TOKEN_FIELD ? '' : inline(submission.values?.[field.name]);
    if (value) return value;
  }
  return submission.handle ?? submission.id;
}
