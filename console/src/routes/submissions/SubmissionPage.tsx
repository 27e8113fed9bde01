// One submission: what was asked, and everything that happened because of it.
import { Button, Menu, Tabs } from '@mantine/core';
import { IconBolt, IconDots } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate, useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { newestEvents } from '../../api/events';
import { form as formQuery, type Place } from '../../api/forms';
import { me } from '../../api/session';
import { remove, submission as submissionQuery, update } from '../../api/submissions';
import type { Form, Submission } from '../../api/types';
import { confirmationPage, fieldsOf, submittablePages } from '../../logic/forms';
import { inline } from '../../logic/text';
import { Confirm } from '../../parts/Confirm';
import { ShortId } from '../../parts/Copy';
import { done, failed } from '../../parts/notify';
import { Empty, Facts, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { Trace } from '../events/Trace';
import { Fields } from '../forms/Fields';
import { Fill } from '../forms/Fill';

const kappRoute = getRouteApi('/frame/console/submissions/$id');
const datastoreRoute = getRouteApi('/frame/console/datastore/submissions/$id');

interface Search {
  tab?: string;
  done?: string;
}

export function KappSubmission() {
  const { id } = kappRoute.useParams();
  const navigate = useNavigate({ from: '/console/submissions/$id' });
  return (
    <SubmissionPage
      key={id}
      id={id}
      search={kappRoute.useSearch()}
      setSearch={(search) => void navigate({ search, replace: true })}
    />
  );
}

export function DatastoreSubmission() {
  const { id } = datastoreRoute.useParams();
  const navigate = useNavigate({ from: '/console/datastore/submissions/$id' });
  return (
    <SubmissionPage
      key={id}
      datastore
      id={id}
      search={datastoreRoute.useSearch()}
      setSearch={(search) => void navigate({ search, replace: true })}
    />
  );
}

interface Props {
  id: string;
  datastore?: boolean;
  search: Search;
  setSearch: (search: Search) => void;
}

function SubmissionPage({ id, datastore, search, setSearch }: Props) {
  const asked = useQuery(submissionQuery(id));
  const submission = asked.data;
  const kapp: Place = datastore ? null : (submission?.form?.kapp?.slug ?? '');
  const slug = submission?.form?.slug;
  const { data: form } = useQuery({
    ...formQuery(kapp, slug ?? ''),
    enabled: slug !== undefined && kapp !== '',
  });
  if (asked.error)
    return <Fault what="This submission" error={asked.error} retry={() => void asked.refetch()} />;
  if (!submission) return <Waiting rows={6} />;
  const handle = submission.handle ?? id.slice(-6).toUpperCase();
  const named = submission.label && submission.label !== submission.id;
  const title = named ? submission.label! : `${submission.form?.name ?? 'Submission'} ${handle}`;
  return (
    <>
      <Head
        title={title}
        beside={<Status of={submission.coreState} pill />}
        crumbs={crumbs(kapp, form ?? submission.form, handle)}
        actions={<Actions kapp={kapp} submission={submission} title={title} />}
      />
      <div className="kp-cols">
        <div className="kp-stack">
          {search.done && form && <Confirmation form={form} submission={submission} />}
          <Body {...{ kapp, form, submission, search, setSearch }} />
        </div>
        <Panel title="About">
          <About submission={submission} handle={handle} />
        </Panel>
      </div>
    </>
  );
}

function crumbs(kapp: Place, form: Form | undefined, handle: string) {
  if (!form) return [handle];
  if (kapp === null)
    return [
      <To to="/console/datastore">Datastore</To>,
      <To to="/console/datastore/forms/$form" params={{ form: form.slug }}>
        {form.name}
      </To>,
      handle,
    ];
  return [
    <To to="/console/kapps">Kapps and forms</To>,
    <To to="/console/kapps/$kapp/forms/$form" params={{ kapp, form: form.slug }}>
      {form.name}
    </To>,
    handle,
  ];
}

function About({ submission, handle }: { submission: Submission; handle: string }) {
  const at = (when?: string | null, by?: string | null) =>
    when ? (
      <>
        <When at={when} />
        {by && <span className="kp-dim"> by {by}</span>}
      </>
    ) : undefined;
  return (
    <Facts
      rows={[
        ['Handle', <span className="kp-mono">{handle}</span>],
        ['Id', <ShortId id={submission.id} label="submission id" />],
        ['Created', at(submission.createdAt, submission.createdBy)],
        ['Submitted', at(submission.submittedAt, submission.submittedBy)],
        ['Updated', at(submission.updatedAt, submission.updatedBy)],
        ['Closed', at(submission.closedAt, submission.closedBy)],
      ]}
    />
  );
}

function Confirmation({ form, submission }: { form: Form; submission: Submission }) {
  const page = confirmationPage(form);
  if (!page) return null;
  return (
    <Panel label="Confirmation">
      <Fields
        elements={page.elements}
        values={submission.values ?? {}}
        problems={{}}
        readOnly
        change={() => undefined}
      />
    </Panel>
  );
}

interface BodyProps {
  kapp: Place;
  form: Form | undefined;
  submission: Submission;
  search: Search;
  setSearch: (search: Search) => void;
}

function Body({ kapp, form, submission, search, setSearch }: BodyProps) {
  const admin = useQuery(me).data?.spaceAdmin === true;
  const open = submission.coreState !== 'Closed';
  const first = submission.coreState === 'Draft' ? 'fill' : admin ? 'happened' : 'values';
  const wanted = search.tab === 'happened' && !admin ? 'values' : search.tab;
  return (
    <Tabs
      value={wanted ?? first}
      onChange={(tab) => setSearch({ tab: tab === first ? undefined : (tab ?? undefined) })}
      keepMounted={false}
    >
      <Tabs.List mb="md">
        {first === 'fill' && <Tabs.Tab value="fill">Fill in</Tabs.Tab>}
        {admin && <Tabs.Tab value="happened">What happened</Tabs.Tab>}
        <Tabs.Tab value="values">Values</Tabs.Tab>
        {first !== 'fill' && open && <Tabs.Tab value="fill">Edit</Tabs.Tab>}
      </Tabs.List>
      <Tabs.Panel value="fill">
        <Panel>
          {form ? (
            <Fill
              key={`${submission.id} ${submission.coreState}`}
              kapp={kapp}
              form={form}
              submission={submission}
              saved={(_, submitted) => submitted && setSearch({ done: '1', tab: 'happened' })}
            />
          ) : (
            <Waiting />
          )}
        </Panel>
      </Tabs.Panel>
      <Tabs.Panel value="happened">
        <Happened kapp={kapp} submission={submission} />
      </Tabs.Panel>
      <Tabs.Panel value="values">
        <Panel>
          <ValueList form={form} submission={submission} />
        </Panel>
      </Tabs.Panel>
    </Tabs>
  );
}

function Happened({ kapp, submission }: { kapp: Place; submission: Submission }) {
  const filter = {
    parentType: kapp === null ? 'Datastore Submission' : 'Submission',
    parentKey: submission.id,
  };
  const { data, error, refetch } = useQuery(newestEvents(filter, 25));
  if (error) return <Fault what="What happened" error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting />;
  if (data.length === 0)
    return (
      <Empty icon={IconBolt} title="Nothing has happened yet">
        Saving, submitting, changing and closing this submission are events; each appears here with
        the webhooks it fired and the runs it started.
      </Empty>
    );
  return (
    <Panel label="What happened">
      <div aria-live="polite">
        <Trace events={data} />
      </div>
    </Panel>
  );
}

function ValueList({ form, submission }: { form: Form | undefined; submission: Submission }) {
  const values = submission.values ?? {};
  const known = form ? submittablePages(form).flatMap((page) => fieldsOf(page.elements, true)) : [];
  const names = [...new Set([...known.map((field) => field.name), ...Object.keys(values)])];
  const labels = new Map(known.map((field) => [field.name, field.label || field.name]));
  if (names.length === 0) return <span className="kp-dim">No values.</span>;
  return (
    <Facts rows={names.map((name) => [labels.get(name) ?? name, inline(values[name]) || '–'])} />
  );
}

interface ActionsProps {
  kapp: Place;
  submission: Submission;
  title: string;
}

function Actions({ kapp, submission, title }: ActionsProps) {
  const admin = useQuery(me).data?.spaceAdmin === true;
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const router = useRouter();
  const refresh = () => client.invalidateQueries({ queryKey: ['submissions'] });
  const close = useMutation({
    mutationFn: () => update(submission.id, { coreState: 'Closed' }),
    onSuccess: () => {
      done(`${title} closed`);
      void refresh();
    },
    onError: (error) => failed('Could not close it', error),
  });
  const drop = useMutation({
    mutationFn: () => remove(submission.id),
    onSuccess: () => {
      done(`${title} deleted`);
      void refresh();
      const slug = submission.form?.slug;
      const list = kapp === null ? `datastore/forms/${slug}` : `kapps/${kapp}/forms/${slug}`;
      void router.navigate({ href: `/console/${list}?tab=submissions` });
    },
    onError: (error) => failed('Could not delete it', error),
  });
  return (
    <>
      {kapp !== null && submission.coreState === 'Submitted' && (
        <Button variant="default" loading={close.isPending} onClick={() => close.mutate()}>
          Close
        </Button>
      )}
      {admin && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={8} aria-label="More actions">
              <IconDots size={16} />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item color="red" onClick={() => setAsking(true)}>
              Delete…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      <Confirm
        opened={asking}
        title="Delete this submission?"
        action={`Delete ${submission.handle ?? 'it'}`}
        busy={drop.isPending}
        confirm={() => drop.mutate()}
        close={() => setAsking(false)}
      >
        “{title}” and its values will be gone. Its jobs and runs stay in the history.
      </Confirm>
    </>
  );
}
