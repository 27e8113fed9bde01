// One job: what exactly was sent where, what came back, and why it is where it is.
import { Button } from '@mantine/core';
import { IconPlayerPlay, IconRefresh, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { job as jobQuery } from '../../api/jobs';
import type { WebhookJob } from '../../api/types';
import { canCancel, canRetry, isGoing, runIdOf, sentence, typeAndEvent } from '../../logic/jobs';
import { LinkButton } from '../../parts/Button';
import { Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useNow } from '../../parts/When';
import { About } from './About';
import { Exchange, useShown } from './Exchange';
import { SendAgain } from './SendAgain';
import { Timeline } from './Timeline';
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
        <div className="kp-stack">
          <History job={job} />
          <Panel title="About">
            <About job={job} />
          </Panel>
        </div>
      </div>
    </>
  );
}

function History({ job }: { job: WebhookJob }) {
  const { show } = useShown(job);
  if (!job.timeline?.length) return null;
  return (
    <Panel title="What happened to it" label="Timeline">
      <Timeline moments={job.timeline} show={show} going={isGoing(job)} />
    </Panel>
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
      {job.status === 'Complete' && !run && !job.payloadRemovedAt && (
        <SendAgain jobs={[job]} label="Send again" />
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
