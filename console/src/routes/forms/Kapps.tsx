// Kapps and their forms: what people can ask for.
import { IconForms } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { forms, kapps } from '../../api/forms';
import type { Form, Kapp } from '../../api/types';
import { fieldsOf, submittablePages } from '../../logic/forms';
import { Empty, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

export function Kapps() {
  const { data, error, refetch } = useQuery(kapps);
  return (
    <>
      <Head
        title="Kapps and forms"
        lead="A kapp is a group of forms with webhooks of its own. Open a form to fill it in or to see what was submitted."
      />
      {error && <Fault what="Kapps" error={error} retry={() => void refetch()} />}
      {!data && !error && <Waiting />}
      {data?.length === 0 && (
        <Empty icon={IconForms} title="There is no kapp yet">
          Create one through the API with a POST to <code>/app/api/v1/kapps</code>, then add forms
          to it.
        </Empty>
      )}
      <div className="kp-stack">
        {data?.map((kapp) => (
          <KappPanel key={kapp.slug} kapp={kapp} />
        ))}
      </div>
    </>
  );
}

export const formColumns = (link: (form: Form) => React.ReactNode): Column<Form>[] => [
  { title: 'Form', width: '26%', cell: link },
  {
    title: 'What it is for',
    clip: true,
    cell: (form) => <span className="kp-dim">{form.description}</span>,
  },
  { title: 'Type', width: 120, cell: (form) => form.type || <span className="kp-dim">–</span> },
  {
    title: 'Fields',
    width: 70,
    align: 'right',
    cell: (form) => submittablePages(form).flatMap((page) => fieldsOf(page.elements, true)).length,
  },
  { title: 'Status', width: 110, cell: (form) => <Status of={form.status} /> },
  { title: 'Changed', width: 120, cell: (form) => <When at={form.updatedAt} /> },
];

function KappPanel({ kapp }: { kapp: Kapp }) {
  const { data, error, refetch } = useQuery(forms(kapp.slug));
  const navigate = useNavigate();
  return (
    <Panel
      title={kapp.name}
      actions={<span className="kp-dim kp-mono">{kapp.slug}</span>}
      flush
      label={kapp.name}
    >
      {error && <Fault what="Forms" error={error} retry={() => void refetch()} />}
      {data?.length === 0 ? (
        <div className="kp-panel-body kp-dim">No forms yet.</div>
      ) : (
        !error && (
          <Rows
            label={`Forms of ${kapp.name}`}
            loadingRows={2}
            rows={data}
            rowKey={(form) => form.slug}
            open={(form) =>
              void navigate({
                to: '/console/kapps/$kapp/forms/$form',
                params: { kapp: kapp.slug, form: form.slug },
              })
            }
            columns={formColumns((form) => (
              <To
                to="/console/kapps/$kapp/forms/$form"
                params={{ kapp: kapp.slug, form: form.slug }}
                strong
              >
                {form.name}
              </To>
            ))}
          />
        )
      )}
    </Panel>
  );
}
