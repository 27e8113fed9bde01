// Who is told when a webhook fails, recovers or is disabled, and what was told so far.
import { Alert, Button, Group, NumberInput, TagsInput } from '@mantine/core';
import { IconBellRinging } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { delivery as deliveryQuery, saveDelivery, type NoticeRules } from '../../api/delivery';
import { notices as noticesQuery, type Notice } from '../../api/notices';
import { More } from '../../parts/ListFoot';
import { done, words } from '../../parts/notify';
import { Empty, Fault, Panel, Waiting } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

export function NoticeSettings() {
  const { data, error, refetch } = useQuery(deliveryQuery);
  return (
    <div className="kp-stack">
      {error ? (
        <Fault what="Notices" error={error} retry={() => void refetch()} />
      ) : data ? (
        <Form rules={data.notices} canMail={data.hasMailServer} />
      ) : (
        <Waiting rows={3} />
      )}
      <Told />
    </div>
  );
}

function Form({ rules, canMail }: { rules: NoticeRules; canMail: boolean }) {
  const [fields, setFields] = useState(rules);
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => saveDelivery({ notices: fields }),
    onSuccess: (after) => {
      client.setQueryData(deliveryQuery.queryKey, after);
      done('Notices are saved');
    },
  });
  const set = (change: Partial<NoticeRules>) => {
    save.reset();
    setFields({ ...fields, ...change });
  };
  return (
    <Panel title="Notices" label="Notices">
      <form
        className="kp-stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Group align="start" gap={12}>
          <NumberInput
            label="Failures in a row"
            description="So many make a webhook failing."
            min={1}
            max={1000}
            allowDecimal={false}
            value={fields.failures}
            onChange={(value) => set({ failures: Number(value) || 1 })}
          />
          <TagsInput
            label="Write to"
            description="Addresses that get a mail; press Enter after each."
            placeholder={fields.mailTo.length === 0 ? 'Nobody' : undefined}
            value={fields.mailTo}
            style={{ flex: '1 1 300px', maxWidth: 640 }}
            splitChars={[',', ';', ' ']}
            acceptValueOnBlur
            onChange={(mailTo) => set({ mailTo })}
          />
        </Group>
        {!canMail && (
          <Alert color="yellow" variant="light" title="Nobody gets a mail yet">
            This server has no mail server to send with. Its operator sets KAPOK_SMTP_URL and
            KAPOK_SMTP_FROM; <code>kapok doctor</code> tries them. Addresses can be written down
            now; a notice that comes before has a failed mail.
          </Alert>
        )}
        <p className="kp-dim" style={{ margin: 0, fontSize: 13 }}>
          Each notice is also an event of the type Webhook (Failing, Recovered, Disabled): a webhook
          of the space can pass it on to a chat or an on-call service.
        </p>
        {save.isError && (
          <Alert color="red" variant="light" title="It was not saved" role="alert">
            {words(save.error)}
          </Alert>
        )}
        <div>
          <Button type="submit" size="sm" loading={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function Told() {
  const list = useInfiniteQuery(noticesQuery);
  if (list.error) {
    return <Fault what="Notices" error={list.error} retry={() => void list.refetch()} />;
  }
  const rows = list.data?.pages.flatMap((page) => page.notices);
  if (rows?.length === 0) {
    return (
      <Empty icon={IconBellRinging} title="Nothing had to be told yet">
        When a webhook fails again and again, is disabled by its endpoint, or works again, it is
        listed here.
      </Empty>
    );
  }
  return (
    <>
      <Rows
        label="Notices so far"
        columns={COLUMNS}
        rows={rows}
        rowKey={(one) => one.id}
        loadingRows={3}
      />
      <More list={list} />
    </>
  );
}

const COLUMNS: Column<Notice>[] = [
  { title: 'What', width: 130, cell: (one) => <Status of={one.kind} /> },
  { title: 'Webhook', width: '20%', clip: true, cell: (one) => one.webhook },
  {
    title: 'In words',
    clip: true,
    cell: (one) => <span title={one.message}>{one.message}</span>,
  },
  {
    title: 'Job',
    width: 70,
    cell: (one) => (
      <To to="/console/jobs/$id" params={{ id: one.jobId }} strong>
        Job
      </To>
    ),
  },
  {
    title: 'Mail',
    width: 110,
    cell: (one) =>
      one.mail.state === 'None' ? (
        <span className="kp-dim">None</span>
      ) : (
        <span title={one.mail.error ?? one.mail.to.join(', ')}>
          <Status of={`Mail ${one.mail.state}`} />
        </span>
      ),
  },
  { title: 'When', width: 110, cell: (one) => <When at={one.at} /> },
];
