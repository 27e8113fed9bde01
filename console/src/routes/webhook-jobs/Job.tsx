// One job: what exactly was sent where, and what came back.
import { Button, Tabs } from '@mantine/core';
import { IconPlayerPlay, IconRefresh, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { job as jobQuery } from '../../api/jobs';
import type { Attempt, WebhookJob } from '../../api/types';
import { curl, headerPairs } from '../../logic/curl';
import { canCancel, canRetry, runIdOf, sentence, typeAndEvent } from '../../logic/jobs';
import { target } from '../../logic/target';
import { Body } from '../../parts/Body';
import { LinkButton } from '../../parts/Button';
import { CopyButton, ShortId } from '../../parts/Copy';
import { Facts, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useNow, When } from '../../parts/When';
import { Attempts } from './Attempts';
import { useSetStatus } from './useRetry';

const route = getRouteApi('/frame/console/jobs/$id');

export function Job() {
  const { id } = route.useParams();
  const { data: job, error, refetch } = useQuery(jobQuery(id));
  const now = useNow(1000);
  if (error) return <Fault what="This job" error={error} retry={() => void refetch()} />;
  if (!job) return <Waiting rows={6} />;
  return (
    <>
      <Head
        title={job.name}
        beside={
          <span aria-live="polite">
            <Status of={job.status} pill />
          </span>
        }
        lead={sentence(job, now)}
        crumbs={[<To to="/console/jobs">Jobs</To>, typeAndEvent(job.type, job.event)]}
        actions={<Actions job={job} />}
      />
      <div className="kp-cols">
        <Exchange job={job} />
        <Panel title="About">
          <About job={job} />
        </Panel>
      </div>
    </>
  );
}

function Actions({ job }: { job: WebhookJob }) {
  const retry = useSetStatus('Queued');
  const cancel = useSetStatus('Cancelled');
  const run = runIdOf(job);
  return (
    <>
      {run && (
        <LinkButton
          to="/console/runs/$id"
          params={{ id: run }}
          leftSection={<IconPlayerPlay size={14} />}
        >
          Open run {run}
        </LinkButton>
      )}
      {canRetry(job) && (
        <Button
          variant={run ? 'default' : 'filled'}
          leftSection={<IconRefresh size={14} />}
          loading={retry.isPending}
          onClick={() => retry.mutate([job.id])}
        >
          {job.status === 'Queued' ? 'Try now' : 'Retry'}
        </Button>
      )}
      {canCancel(job) && (
        <Button
          variant="default"
          leftSection={<IconX size={14} />}
          loading={cancel.isPending}
          onClick={() => cancel.mutate([job.id])}
        >
          Cancel
        </Button>
      )}
    </>
  );
}

function About({ job }: { job: WebhookJob }) {
  const where = target(job.url);
  const run = runIdOf(job);
  return (
    <Facts
      rows={[
        ['Target', where.kind === 'tree' ? <TreeLink title={where.title} /> : where.title],
        [
          'URL',
          <>
            <span className="kp-mono">{job.url}</span>{' '}
            <CopyButton label="Copy the URL" text={() => job.url} />
          </>,
        ],
        [
          'Event',
          job.eventId ? (
            <To to="/console/activity/$id" params={{ id: job.eventId }} strong>
              {typeAndEvent(job.type, job.event)}
            </To>
          ) : (
            typeAndEvent(job.type, job.event)
          ),
        ],
        [
          'Run',
          run && (
            <To to="/console/runs/$id" params={{ id: run }} strong>
              Run {run}
            </To>
          ),
        ],
        ['Created', <When at={job.createdAt ?? job.scheduledAt} />],
        ['Finished', job.finishedAt ? <When at={job.finishedAt} /> : undefined],
        ['Next attempt', job.nextAttemptAt ? <When at={job.nextAttemptAt} /> : undefined],
        ['Attempts', job.attempts?.length || job.retryCount + 1],
        ['Scope', job.scopeType],
        ['Record', <ShortId id={job.parentId} label="record id" />],
        ['Job id', <ShortId id={job.id} label="job id" />],
        ['Trace', <ShortId id={job.traceId} label="trace id" />],
      ]}
    />
  );
}

function TreeLink({ title }: { title: string }) {
  return (
    <To to="/console/trees/$title" params={{ title }} strong>
      {title}
    </To>
  );
}

function Exchange({ job }: { job: WebhookJob }) {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/jobs/$id' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const attempts = job.attempts ?? [];
  const shown = attempts.find((one) => String(one.number) === search.attempt) ?? attempts.at(-1);
  return (
    <div className="kp-stack">
      <Tabs
        value={search.tab ?? 'request'}
        onChange={(tab) => set({ tab: tab === 'request' ? undefined : (tab ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="request">Request</Tabs.Tab>
          <Tabs.Tab value="response">Response</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="request">
          <Request job={job} attempt={shown} />
        </Tabs.Panel>
        <Tabs.Panel value="response">
          <Response job={job} attempt={shown} />
        </Tabs.Panel>
      </Tabs>
      {attempts.length > 0 && (
        <Attempts
          attempts={attempts}
          shown={shown?.number}
          show={(number) => set({ attempt: String(number) })}
        />
      )}
    </div>
  );
}

interface SideProps {
  job: WebhookJob;
  attempt: Attempt | undefined;
}

function Request({ job, attempt }: SideProps) {
  const headers = headerPairs(attempt?.requestHeaders);
  const body = attempt?.requestBody ?? job.requestContent;
  return (
    <Panel
      title={
        <>
          POST <span className="kp-mono">{job.url}</span>
        </>
      }
      actions={<CopyButton label="Copy as curl" words text={() => curl(job.url, headers, body)} />}
    >
      <div className="kp-stack">
        <HeaderList headers={headers} />
        <Body label="Request body" text={body} />
      </div>
    </Panel>
  );
}

function Response({ job, attempt }: SideProps) {
  const body = attempt?.responseBody ?? job.responseContent;
  const failure = attempt?.error ?? undefined;
  return (
    <Panel title={job.summary || 'No answer yet'}>
      <div className="kp-stack">
        {failure && (
          <p style={{ margin: 0, color: 'var(--kp-bad)' }}>
            {attempt?.errorClass && <code className="kp-tag">{attempt.errorClass}</code>} {failure}
          </p>
        )}
        <HeaderList headers={headerPairs(attempt?.responseHeaders)} />
        <Body label="Response body" text={body} />
      </div>
    </Panel>
  );
}

function HeaderList({ headers }: { headers: [string, string][] }) {
  if (headers.length === 0) return null;
  return (
    <details>
      <summary style={{ cursor: 'pointer', fontSize: 13 }}>
        {headers.length} {headers.length === 1 ? 'header' : 'headers'}
      </summary>
      <div style={{ marginTop: 8 }} className="kp-mono">
        <Facts
          rows={headers.map(([name, value], index) => [unique(headers, name, index), value])}
        />
      </div>
    </details>
  );
}

/** A name for the row; a header that repeats gets its number. */
const unique = (headers: [string, string][], name: string, index: number) =>
  headers.findIndex(([other]) => other === name) === index ? name : `${name} (${index + 1})`;
