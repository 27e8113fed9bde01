// What went out and what came back in one attempt, and two attempts side by side.
import { Tabs } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import type { Attempt, WebhookJob } from '../../api/types';
import { curl, headerPairs } from '../../logic/curl';
import { Body } from '../../parts/Body';
import { CopyButton } from '../../parts/Copy';
import { HeaderList } from '../../parts/Headers';
import { Panel } from '../../parts/Page';
import { Removed } from '../../parts/Removed';
import { Attempts } from './Attempts';
import { Compare } from './Compare';
import { Signature } from './Signature';

const route = getRouteApi('/frame/console/jobs/$id');

/** Chooses an attempt in the address, so that a link shows the same one. */
export function useShown(job: WebhookJob) {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/jobs/$id' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const attempts = job.attempts ?? [];
  const shown = attempts.find((one) => String(one.number) === search.attempt) ?? attempts.at(-1);
  const show = (number: number) => set({ attempt: String(number) });
  return { search, set, attempts, shown, show };
}

export function Exchange({ job }: { job: WebhookJob }) {
  const { search, set, attempts, shown, show } = useShown(job);
  const comparable = attempts.length > 1 && shown !== undefined;
  const tab = search.tab === 'compare' && !comparable ? 'request' : (search.tab ?? 'request');
  return (
    <div className="kp-stack">
      <Tabs
        value={tab}
        onChange={(next) => set({ tab: next === 'request' ? undefined : (next ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="request">Request</Tabs.Tab>
          <Tabs.Tab value="response">Response</Tabs.Tab>
          {comparable && <Tabs.Tab value="compare">Compare</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="request">
          <Request job={job} attempt={shown} />
        </Tabs.Panel>
        <Tabs.Panel value="response">
          <Response job={job} attempt={shown} />
        </Tabs.Panel>
        {comparable && (
          <Tabs.Panel value="compare">
            <Compare key={shown.number} job={job} attempts={attempts} shown={shown} />
          </Tabs.Panel>
        )}
      </Tabs>
      {attempts.length > 0 && <Attempts attempts={attempts} shown={shown?.number} show={show} />}
    </div>
  );
}

interface SideProps {
  job: WebhookJob;
  attempt: Attempt | undefined;
}

function Request({ job, attempt }: SideProps) {
  const url = attempt?.url ?? job.url;
  const body = attempt?.requestBody ?? job.requestContent;
  return (
    <Panel
      title={
        <>
          POST <span className="kp-mono">{url}</span>
        </>
      }
      actions={
        <CopyButton
          label="Copy as curl"
          words
          text={() => curl(url, headerPairs(attempt?.requestHeaders), body)}
        />
      }
    >
      <div className="kp-stack">
        <HeaderList label="Request headers" of={attempt?.requestHeaders} />
        {attempt && <Signature attempt={attempt} />}
        <Removed at={job.payloadRemovedAt} />
        {!job.payloadRemovedAt && <Body label="Request body" text={body} />}
      </div>
    </Panel>
  );
}

function Response({ job, attempt }: SideProps) {
  const body = attempt?.responseBody ?? job.responseContent;
  const failure = attempt?.error ?? undefined;
  return (
    <Panel title={title(job, attempt)}>
      <div className="kp-stack">
        {failure && (
          <p style={{ margin: 0, color: 'var(--kp-bad)' }}>
            {attempt?.errorClass && <code className="kp-tag">{attempt.errorClass}</code>} {failure}
          </p>
        )}
        <HeaderList label="Response headers" of={attempt?.responseHeaders} />
        <Removed at={job.payloadRemovedAt} />
        {!job.payloadRemovedAt && <Body label="Response body" text={body} />}
      </div>
    </Panel>
  );
}

/** The job's summary is about its last attempt; an earlier one says its own status. */
function title(job: WebhookJob, attempt: Attempt | undefined): string {
  if (attempt && attempt !== job.attempts?.at(-1))
    return `Attempt ${attempt.number}: ${attempt.responseStatus ?? attempt.errorClass ?? 'no answer'}`;
  return job.summary || 'No answer yet';
}
