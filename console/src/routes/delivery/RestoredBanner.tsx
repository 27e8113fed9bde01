// Stands above every page while something waits because the database was restored from a copy.
import { Button, Group } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { decideRestored, restoration, type Decision } from '../../api/retention';
import { plural } from '../../logic/text';
import { Confirm } from '../../parts/Confirm';
import { done, failed } from '../../parts/notify';
import { When } from '../../parts/When';

const ASKED = {
  send: {
    title: 'Send what the backup remembers?',
    action: 'Send them',
    text: 'Jobs that were sent after the backup was made are sent a second time, with the same job id.',
  },
  cancel: {
    title: 'Cancel what the backup remembers?',
    action: 'Cancel them',
    text: 'The jobs that wait are cancelled. Each can be sent again by hand.',
  },
  continue: {
    title: 'Let the runs go on?',
    action: 'Let them go on',
    text: 'What they did after the backup was made is done a second time. Overdue schedules start once.',
  },
  cancelRuns: {
    title: 'Cancel the runs?',
    action: 'Cancel the runs',
    text: 'Runs that would go on by themselves are cancelled. Those that wait for a person stay.',
  },
};
type Choice = keyof typeof ASKED;
const DECISIONS: Record<Choice, Decision> = {
  send: { jobs: 'send' },
  cancel: { jobs: 'cancel' },
  continue: { runs: 'continue' },
  cancelRuns: { runs: 'cancel' },
};

export function RestoredBanner() {
  const { data } = useQuery(restoration);
  const [choice, choose] = useState<Choice>();
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: (decision: Decision) => decideRestored(decision),
    onSuccess: () => done('It is decided'),
    onError: (error) => failed('It was not done', error),
    onSettled: () => {
      choose(undefined);
      for (const family of ['delivery', 'lanes', 'dashboard', 'jobs', 'runs'])
        void client.invalidateQueries({ queryKey: [family] });
    },
  });
  if (!data) return null;
  const button = (of: Choice, label: string) => (
    <Button size="compact-xs" variant="default" onClick={() => choose(of)}>
      {label}
    </Button>
  );
  return (
    <div className="kp-paused" role="status" aria-label="Restored backup">
      <IconHistory size={16} aria-hidden />
      <span>
        A backup was restored <When at={data.restoredAt} />: {data.reason}. What it remembers as
        unfinished waits.
      </span>
      <Group gap="xs">
        {data.areJobsHeld && button('send', `Send ${plural(data.jobs, 'job')}`)}
        {data.areJobsHeld && button('cancel', 'Cancel them')}
        {data.areRunsHeld && button('continue', `Let ${plural(data.runs, 'run')} go on`)}
        {data.areRunsHeld && button('cancelRuns', 'Cancel the runs')}
      </Group>
      <Confirm
        opened={choice !== undefined}
        title={choice ? ASKED[choice].title : ''}
        action={choice ? ASKED[choice].action : ''}
        keep="Keep waiting"
        calm={choice === 'send' || choice === 'continue'}
        busy={act.isPending}
        confirm={() => choice && act.mutate(DECISIONS[choice])}
        close={() => choose(undefined)}
      >
        {choice && ASKED[choice].text}
      </Confirm>
    </div>
  );
}
