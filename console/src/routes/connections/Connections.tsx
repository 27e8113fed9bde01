// The systems that workflows call: where each is, whether it can be used, and a new one.
import { Button, Drawer } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlugConnected, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import {
  connections as connectionsQuery,
  createConnection,
  type Connection,
} from '../../api/connections';
import { addressOf } from '../../logic/addresses';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { To } from '../../parts/To';
import { useRowKeys } from '../../parts/useRowKeys';
import { When } from '../../parts/When';
import { ConnectionForm } from './ConnectionForm';
import { Readiness } from './Readiness';

export function Connections() {
  const { data, error, refetch } = useQuery(connectionsQuery);
  const [making, make] = useDisclosure(false);
  const navigate = useNavigate();
  useRowKeys();
  const button = (
    <Button leftSection={<IconPlus size={14} />} onClick={make.open}>
      New connection
    </Button>
  );
  return (
    <>
      <Head
        title="Connections"
        lead="A connection is another system that workflows call: its address and its credentials, kept in one place. Its operations are the calls."
        actions={button}
      />
      {error ? (
        <Fault what="Connections" error={error} retry={() => void refetch()} />
      ) : data?.length === 0 ? (
        <Empty icon={IconPlugConnected} title="There is no connection yet" action={button}>
          Create one for a system with a web API or for a PostgreSQL database, add an operation such
          as “read a ticket”, try it here, and call it from a tree with the Integration node.
        </Empty>
      ) : (
        <Rows
          label="Connections"
          columns={COLUMNS}
          rows={data}
          rowKey={(one) => one.id}
          loadingRows={3}
          open={(one) => void navigate({ to: '/console/connections/$id', params: { id: one.id } })}
        />
      )}
      <New opened={making} close={make.close} />
    </>
  );
}

const COLUMNS: Column<Connection>[] = [
  {
    title: 'Connection',
    width: '24%',
    clip: true,
    cell: (one) => (
      <To to="/console/connections/$id" params={{ id: one.id }} strong>
        {one.name}
      </To>
    ),
  },
  {
    title: 'Address',
    clip: true,
    cell: (one) => <span className="kp-mono kp-dim">{addressOf(one.config)}</span>,
  },
  { title: 'State', width: '26%', cell: (one) => <Readiness of={one} /> },
  { title: 'Changed', width: 120, cell: (one) => <When at={one.updatedAt} /> },
];

function New({ opened, close }: { opened: boolean; close: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const save = useMutation({
    mutationFn: createConnection,
    onSuccess: async (made) => {
      void client.invalidateQueries({ queryKey: ['connections'] });
      close();
      await navigate({ to: '/console/connections/$id', params: { id: made.id } });
    },
  });
  return (
    <Drawer
      opened={opened}
      onClose={close}
      position="right"
      size="lg"
      title="New connection"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && (
        <ConnectionForm
          action="Create"
          busy={save.isPending}
          error={save.error}
          save={(fields) => save.mutate(fields)}
        />
      )}
    </Drawer>
  );
}
