// One recovery: how far it is, at which rate, and the levers to hold it.
import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import {
  actOnRecovery,
  recovery as recoveryQuery,
  type Recovery as RecoveryType,
  type RecoveryAction,
} from '../../api/recoveries';
import { handled, MODES, progressWords, which } from '../../logic/recoveries';
import { between, duration } from '../../logic/time';
import { Confirm } from '../../parts/Confirm';
import { ShortId } from '../../parts/Copy';
import { done, failed } from '../../parts/notify';
import { Facts, Fault, Head, Panel, Waiting } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { RecoveryBar } from './RecoveryBar';

const route = getRouteApi('/frame/console/recoveries/$id');

export function Recovery() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    ...recoveryQuery(id),
    refetchInterval: ({ state }) => (state.data?.status === 'Running' ? 1500 : false),
  });
  if (error) return <Fault what="This recovery" error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting rows={5} />;
  return (
    <>
      <Head
        title={data.note || MODES[data.mode].label}
        beside={
          <span aria-live="polite">
            <Status of={data.status} pill />
          </span>
        }
        lead={progressWords(data)}
        crumbs={[<To to="/console/recoveries">Recovery</To>, MODES[data.mode].label]}
        actions={<Actions recovery={data} />}
      />
      <div className="kp-cols">
        <Panel title="Progress" label="Progress">
          <div className="kp-stack">
            <RecoveryBar recovery={data} />
            <Figures recovery={data} />
            {data.message && <p className="kp-small">{data.message}</p>}
          </div>
        </Panel>
        <Panel title="About">
          <About recovery={data} />
        </Panel>
      </div>
    </>
  );
}

function Figures({ recovery }: { recovery: RecoveryType }) {
  const { done: sent, skipped, failed: lost, total } = recovery;
  const figures: [string, number][] = [
    [recovery.mode === 'cancel' ? 'Cancelled' : 'Queued again', sent],
    ['Skipped', skipped],
    ['Failed', lost],
    ['To go', Math.max(0, total - handled(recovery))],
  ];
  return (
    <dl className="kp-figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value.toLocaleString('en')}</dd>
        </div>
      ))}
    </dl>
  );
}

function About({ recovery }: { recovery: RecoveryType }) {
  const { filter } = recovery;
  return (
    <Facts
      rows={[
        ['What', MODES[recovery.mode].label],
        ['Which', which(recovery)],
        ['Rate', recovery.ratePerSecond ? `${recovery.ratePerSecond} a second` : 'As it comes'],
        ['Started by', recovery.createdBy],
        ['Started', <When at={recovery.createdAt} />],
        ['Finished', recovery.finishedAt ? <When at={recovery.finishedAt} /> : undefined],
        [
          'Took',
          recovery.finishedAt
            ? duration(between(recovery.createdAt, recovery.finishedAt))
            : undefined,
        ],
        [
          'Jobs',
          filter?.webhook && (
            <To to="/console/jobs" search={{ webhook: filter.webhook }} strong>
              Jobs of {filter.webhook}
            </To>
          ),
        ],
        ['Recovery id', <ShortId id={recovery.id} label="recovery id" />],
      ]}
    />
  );
}

const SAID: Record<RecoveryAction, string> = {
  pause: 'The recovery is paused',
  resume: 'The recovery goes on',
  cancel: 'The recovery is cancelled',
};

function Actions({ recovery }: { recovery: RecoveryType }) {
  const [asking, ask] = useDisclosure(false);
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: (action: RecoveryAction) => actOnRecovery(recovery.id, action),
    onSuccess: (_, action) => done(SAID[action]),
    onError: (error) => failed('It was not done', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['recoveries'] }),
  });
  const { status } = recovery;
  if (status === 'Complete' || status === 'Cancelled') return null;
  return (
    <>
      {status === 'Running' ? (
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={14} />}
          loading={act.isPending}
          onClick={() => act.mutate('pause')}
        >
          Pause
        </Button>
      ) : (
        <Button
          leftSection={<IconPlayerPlay size={14} />}
          loading={act.isPending}
          onClick={() => act.mutate('resume')}
        >
          Resume
        </Button>
      )}
      <Button variant="default" leftSection={<IconX size={14} />} onClick={ask.open}>
        Cancel
      </Button>
      <Confirm
        opened={asking}
        title="Cancel this recovery?"
        action="Cancel the recovery"
        keep="Let it go on"
        busy={act.isPending}
        confirm={() => act.mutate('cancel', { onSettled: ask.close })}
        close={ask.close}
      >
        What it has done stays done; the rest is left alone. A cancelled recovery cannot be resumed.
      </Confirm>
    </>
  );
}
