// Handlers: what nodes can do. Those of the space itself are made and changed here.
import { Button } from '@mantine/core';
import { IconPlus, IconPuzzle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { handlers as handlersQuery, type Handler } from '../../api/handlers';
import { Empty, Fault, Head } from '../../parts/Page';
import type { State } from '../../logic/states';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useRowKeys } from '../../parts/useRowKeys';
import { HandlerDrawer } from './HandlerDrawer';
import { HandlerSecret } from './HandlerSecret';

const route = getRouteApi('/frame/console/handlers');

export function Handlers() {
  const { data, error, refetch } = useQuery(handlersQuery);
  const { handler: selected } = route.useSearch();
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const navigate = useNavigate();
  useRowKeys();
  const open = (handler?: string) => navigate({ to: '/console/handlers', search: { handler } });
  const own = data?.filter((one) => one.external);
  const button = (
    <Button leftSection={<IconPlus size={14} />} onClick={() => setMaking(true)}>
      New handler
    </Button>
  );
  const close = () => {
    setMaking(false);
    void open();
  };
  return (
    <>
      <Head
        title="Handlers"
        lead="What nodes of trees can do. A handler of your own is a URL: it receives what the node gives, signed, and answers with results, an error, or later."
        actions={button}
      />
      {error ? (
        <Fault what="Handlers" error={error} retry={() => void refetch()} />
      ) : own?.length === 0 ? (
        <Empty icon={IconPuzzle} title="There is no handler of your own yet" action={button}>
          Define one to have any service that speaks HTTP do the work of a node.
        </Empty>
      ) : (
        <Rows
          label="Handlers of your own"
          columns={OWN}
          rows={own}
          rowKey={(one) => one.definitionId}
          loadingRows={2}
          open={(one) => void open(one.definitionId)}
        />
      )}
      <h2 style={{ margin: '24px 0 8px', fontSize: '1rem' }}>Built in</h2>
      <Rows
        label="Handlers that come with the server"
        columns={OURS}
        rows={data?.filter((one) => !one.external)}
        rowKey={(one) => one.definitionId}
      />
      <HandlerDrawer
        key={selected ?? 'new'}
        handler={own?.find((one) => one.definitionId === selected)}
        opened={making || own?.some((one) => one.definitionId === selected) === true}
        close={close}
        made={setSecret}
      />
      <HandlerSecret secret={secret} close={() => setSecret(undefined)} />
    </>
  );
}

/** What an effect means after an interruption. */
const EFFECTS: Record<string, string> = {
  pure: 'Changes nothing outside of its run',
  keyed: 'A repeat is recognised by its key',
  repeatable: 'A repeat does no harm',
  once: 'A person decides after an interruption',
};

const EFFECT: Column<Handler> = {
  title: 'Effect',
  width: 110,
  cell: (one) => <span title={EFFECTS[one.effect]}>{one.effect}</span>,
};

const NEEDS_URL: State = { word: 'Needs a URL', tone: 'warn' };

const OWN: Column<Handler>[] = [
  {
    title: 'Handler',
    width: '26%',
    clip: true,
    cell: (one) => (
      <To to="/console/handlers" search={{ handler: one.definitionId }} strong>
        {one.name}
      </To>
    ),
  },
  {
    title: 'Id',
    width: '24%',
    clip: true,
    cell: (one) => <span className="kp-mono">{one.definitionId}</span>,
  },
  { title: 'URL', clip: true, cell: (one) => <span className="kp-mono kp-dim">{one.url}</span> },
  EFFECT,
  {
    title: 'Status',
    width: 130,
    cell: (one) => <Status of={one.needsUrl ? NEEDS_URL : one.status} />,
  },
];

const OURS: Column<Handler>[] = [
  { title: 'Handler', width: '20%', clip: true, cell: (one) => one.name },
  {
    title: 'Id',
    width: '24%',
    clip: true,
    cell: (one) => <span className="kp-mono">{one.definitionId}</span>,
  },
  {
    title: 'What it does',
    cell: (one) => <span className="kp-dim">{one.description}</span>,
  },
  EFFECT,
];
