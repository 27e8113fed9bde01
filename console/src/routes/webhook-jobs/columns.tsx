// The columns of the list of jobs.
import { Checkbox } from '@mantine/core';
import type { WebhookJob } from '../../api/types';
import { answer, typeAndEvent } from '../../logic/jobs';
import { target } from '../../logic/target';
import type { Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

export interface Picking {
  picked: ReadonlySet<string>;
  set: (next: ReadonlySet<string>) => void;
  rows: WebhookJob[];
}

export function columns({ picked, set, rows }: Picking): Column<WebhookJob>[] {
  const pick = (id: string) => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    set(next);
  };
  const all = rows.length > 0 && rows.every((job) => picked.has(job.id));
  return [
    {
      title: (
        <Checkbox
          size="xs"
          aria-label="Select all that are shown"
          checked={all}
          indeterminate={!all && picked.size > 0}
          onChange={() => set(all ? new Set() : new Set(rows.map((job) => job.id)))}
        />
      ),
      width: 36,
      cell: (job) => (
        <Checkbox
          size="xs"
          aria-label={`Select ${job.name}`}
          checked={picked.has(job.id)}
          onChange={() => pick(job.id)}
        />
      ),
    },
    { title: 'Status', width: 122, cell: (job) => <Status of={job.status} /> },
    {
      title: 'Webhook',
      width: '17%',
      clip: true,
      cell: (job) => (
        <To to="/console/jobs/$id" params={{ id: job.id }} className="kp-strong">
          {job.name}
        </To>
      ),
    },
    {
      title: 'Event',
      width: '18.5%',
      clip: true,
      cell: (job) => typeAndEvent(job.type, job.event),
    },
    {
      title: 'Target',
      clip: true,
      cell: (job) => (
        <span className="kp-dim" title={job.url}>
          {target(job.url).short}
        </span>
      ),
    },
    { title: 'Answer', width: '15%', clip: true, cell: (job) => answer(job) },
    { title: 'Retries', width: 66, align: 'right', cell: (job) => job.retryCount },
    {
      title: 'When',
      width: 96,
      cell: (job) => <When at={job.createdAt ?? job.scheduledAt} />,
    },
  ];
}
