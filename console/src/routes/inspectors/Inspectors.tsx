// Request inspectors: somewhere to point a webhook at while it is being built.
import { Button, Modal, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconZoomCode } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { create, inspectors as inspectorsQuery, type Inspector } from '../../api/inspectors';
import { CopyButton } from '../../parts/Copy';
import { words } from '../../parts/notify';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { To } from '../../parts/To';
import { useRowKeys } from '../../parts/useRowKeys';
import { When } from '../../parts/When';

export function Inspectors() {
  const { data, error, refetch } = useQuery(inspectorsQuery);
  const [making, make] = useDisclosure(false);
  const navigate = useNavigate();
  useRowKeys();
  const button = (
    <Button leftSection={<IconPlus size={14} />} onClick={make.open}>
      New inspector
    </Button>
  );
  return (
    <>
      <Head
        title="Inspectors"
        lead="An inspector is an address of this server that records every request sent to it and answers as you tell it. Point a webhook at one to see exactly what arrives."
        actions={button}
      />
      {error ? (
        <Fault what="Inspectors" error={error} retry={() => void refetch()} />
      ) : data?.length === 0 ? (
        <Empty icon={IconZoomCode} title="There is no inspector yet" action={button}>
          Create one, copy its address into a webhook or a shell, and watch the requests come in
          with headers, body and the verdict on their signature.
        </Empty>
      ) : (
        <Rows
          label="Inspectors"
          columns={COLUMNS}
          rows={data}
          rowKey={(one) => one.id}
          loadingRows={3}
          open={(one) => void navigate({ to: '/console/inspectors/$id', params: { id: one.id } })}
        />
      )}
      <New opened={making} close={make.close} />
    </>
  );
}

const COLUMNS: Column<Inspector>[] = [
  {
    title: 'Inspector',
    width: '22%',
    clip: true,
    cell: (one) => (
      <To to="/console/inspectors/$id" params={{ id: one.id }} strong>
        {one.name}
      </To>
    ),
  },
  {
    title: 'Address',
    clip: true,
    cell: (one) => (
      <>
        <CopyButton label={`Copy the address of ${one.name}`} text={() => one.url} />{' '}
        <span className="kp-mono kp-dim">{one.url}</span>
      </>
    ),
  },
  { title: 'Answers', width: 90, cell: (one) => one.status },
  {
    title: 'Last request',
    width: 120,
    cell: (one) =>
      one.lastRequestAt ? <When at={one.lastRequestAt} /> : <span className="kp-dim">never</span>,
  },
];

function New({ opened, close }: { opened: boolean; close: () => void }) {
  const [name, setName] = useState('');
  const client = useQueryClient();
  const navigate = useNavigate();
  const save = useMutation({
    mutationFn: () => create({ name: name.trim() }),
    onSuccess: async (made) => {
      void client.invalidateQueries({ queryKey: ['inspectors'] });
      setName('');
      close();
      await navigate({ to: '/console/inspectors/$id', params: { id: made.id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title="New inspector"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={submit}>
        <div className="kp-stack">
          <TextInput
            label="Name"
            description="Such as the service it stands in for."
            placeholder="Order service"
            data-autofocus
            value={name}
            error={save.isError ? words(save.error) : undefined}
            onChange={(event) => {
              save.reset();
              setName(event.currentTarget.value);
            }}
          />
          <Button
            type="submit"
            disabled={!name.trim()}
            loading={save.isPending}
            style={{ alignSelf: 'flex-end' }}
          >
            Create
          </Button>
        </div>
      </form>
    </Modal>
  );
}
