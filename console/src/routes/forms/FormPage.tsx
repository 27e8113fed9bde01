// One form: fill it in, or see what was submitted with it.
import { Button, SegmentedControl, Tabs } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate, useRouter } from '@tanstack/react-router';
import { form as formQuery, type Place } from '../../api/forms';
import { submissions } from '../../api/submissions';
import type { Form, Submission } from '../../api/types';
import { fieldsOf, submittablePages } from '../../logic/forms';
import { inline } from '../../logic/text';
import { Empty, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { More } from '../../parts/ListFoot';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { submissionPath } from '../submissions/path';
import { Fill } from './Fill';

const kappRoute = getRouteApi('/frame/console/kapps/$kapp/forms/$form');
const datastoreRoute = getRouteApi('/frame/console/datastore/forms/$form');

interface Search {
  tab?: string;
  state?: string;
}

export function KappFormPage() {
  const { kapp, form } = kappRoute.useParams();
  const navigate = useNavigate({ from: '/console/kapps/$kapp/forms/$form' });
  return (
    <FormPage
      kapp={kapp}
      slug={form}
      search={kappRoute.useSearch()}
      setSearch={(search) => void navigate({ search, replace: true })}
    />
  );
}

export function DatastoreFormPage() {
  const { form } = datastoreRoute.useParams();
  const navigate = useNavigate({ from: '/console/datastore/forms/$form' });
  return (
    <FormPage
      kapp={null}
      slug={form}
      search={datastoreRoute.useSearch()}
      setSearch={(search) => void navigate({ search, replace: true })}
    />
  );
}

interface Props {
  kapp: Place;
  slug: string;
  search: Search;
  setSearch: (search: Search) => void;
}

function FormPage({ kapp, slug, search, setSearch }: Props) {
  const { data: form, error, refetch } = useQuery(formQuery(kapp, slug));
  const crumb =
    kapp === null ? (
      <To to="/console/datastore">Datastore</To>
    ) : (
      <To to="/console/kapps">Kapps and forms</To>
    );
  if (error) return <Fault what="This form" error={error} retry={() => void refetch()} />;
  return (
    <>
      <Head
        title={form?.name ?? slug}
        beside={form?.status && form.status !== 'Active' && <Status of={form.status} pill />}
        lead={form?.description}
        crumbs={kapp === null ? [crumb] : [crumb, kapp]}
      />
      <Tabs
        value={search.tab ?? 'fill'}
        onChange={(tab) => setSearch({ tab: tab === 'fill' ? undefined : (tab ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          <Tabs.Tab value="fill">Fill in</Tabs.Tab>
          <Tabs.Tab value="submissions">Submissions</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="fill" maw={680}>
          {form ? <NewSubmission key={form.slug} kapp={kapp} form={form} /> : <Waiting />}
        </Tabs.Panel>
        <Tabs.Panel value="submissions">
          {form && <SubmissionList kapp={kapp} form={form} search={search} setSearch={setSearch} />}
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function NewSubmission({ kapp, form }: { kapp: Place; form: Form }) {
  const router = useRouter();
  return (
    <Panel>
      <Fill
        kapp={kapp}
        form={form}
        saved={(submission, submitted) =>
          void router.navigate({
            href: submissionPath(kapp, submission.id) + (submitted ? '?done=1' : ''),
          })
        }
      />
    </Panel>
  );
}

interface ListProps {
  kapp: Place;
  form: Form;
  search: Search;
  setSearch: (search: Search) => void;
}

function SubmissionList({ kapp, form, search, setSearch }: ListProps) {
  const router = useRouter();
  const list = useInfiniteQuery(submissions(kapp, form.slug, search.state));
  const rows = list.data?.pages
    .flatMap((page) => page.submissions)
    .filter((one) => !search.state || one.coreState === search.state);
  if (list.error)
    return <Fault what="Submissions" error={list.error} retry={() => void list.refetch()} />;
  return (
    <>
      <div className="kp-toolbar">
        <SegmentedControl
          size="xs"
          aria-label="State"
          value={search.state ?? ''}
          onChange={(state) => setSearch({ tab: 'submissions', state: state || undefined })}
          data={[
            { value: '', label: 'All' },
            { value: 'Draft', label: 'Draft' },
            { value: 'Submitted', label: 'Submitted' },
            ...(kapp === null ? [] : [{ value: 'Closed', label: 'Closed' }]),
          ]}
        />
      </div>
      {rows?.length === 0 ? (
        <Empty
          icon={IconFileText}
          title={search.state ? `Nothing is ${search.state.toLowerCase()}` : 'Nobody has asked yet'}
          action={<Button onClick={() => setSearch({})}>Fill in {form.name}</Button>}
        >
          Every time somebody fills in this form, a submission appears here with its values, and
          with the webhooks and runs that followed from it.
        </Empty>
      ) : (
        <Rows
          label={`Submissions of ${form.name}`}
          columns={columns(kapp, form)}
          rows={rows}
          rowKey={(row) => row.id}
          open={(row) => void router.navigate({ href: submissionPath(kapp, row.id) })}
        />
      )}
      <More list={list} />
    </>
  );
}

/** Handle, state, the first three fields, who and when. */
function columns(kapp: Place, form: Form): Column<Submission>[] {
  const fields = submittablePages(form)
    .flatMap((page) => fieldsOf(page.elements))
    .slice(0, 3);
  return [
    {
      title: 'Handle',
      width: 100,
      cell: (row) =>
        kapp === null ? (
          <To to="/console/datastore/submissions/$id" params={{ id: row.id }} strong>
            <span className="kp-mono">{row.handle ?? row.id.slice(-6).toUpperCase()}</span>
          </To>
        ) : (
          <To to="/console/submissions/$id" params={{ id: row.id }} strong>
            <span className="kp-mono">{row.handle ?? row.id.slice(-6).toUpperCase()}</span>
          </To>
        ),
    },
    { title: 'State', width: 120, cell: (row) => <Status of={row.coreState} /> },
    ...fields.map((field): Column<Submission> => ({
      title: field.label || field.name,
      clip: true,
      cell: (row) => inline(row.values?.[field.name]) || <span className="kp-dim">–</span>,
    })),
    { title: 'By', width: 120, cell: (row) => row.submittedBy ?? row.createdBy ?? '–' },
    { title: 'When', width: 120, cell: (row) => <When at={row.submittedAt ?? row.createdAt} /> },
  ];
}
