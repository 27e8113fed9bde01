// One connection: its settings, its operations, and the one that is being worked on.
import { Button, Drawer } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconSettings, IconStethoscope, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import {
  connection as connectionQuery,
  operations as operationsQuery,
  removeConnection,
  testConnection,
  updateConnection,
  usage as usageQuery,
  type Connection as ConnectionType,
  type Operation,
} from '../../api/connections';
import { deletion, useStays } from '../../live/deleting';
import { addressOf } from '../../logic/addresses';
import { signOf } from '../../logic/operations';
import { plural } from '../../logic/text';
import { Confirm } from '../../parts/Confirm';
import { done, failed, words } from '../../parts/notify';
import { Fault, Head, Panel, Waiting } from '../../parts/Page';
import { To } from '../../parts/To';
import { ConnectionForm } from './ConnectionForm';
import { OperationPanel } from './OperationPanel';
import { Readiness } from './Readiness';

const route = getRouteApi('/frame/console/connections/$id');

export function Connection() {
  const { id } = route.useParams();
  const { operation } = route.useSearch();
  const navigate = useNavigate({ from: '/console/connections/$id' });
  const enabled = useStays('connection', id);
  const { data: connection, error, refetch } = useQuery({ ...connectionQuery(id), enabled });
  const list = useQuery({ ...operationsQuery(id), enabled });
  if (error) return <Fault what="This connection" error={error} retry={() => void refetch()} />;
  if (!connection) return <Waiting rows={6} />;
  const show = (one: string | undefined) =>
    void navigate({ search: one ? { operation: one } : {}, replace: true });
  const shown = list.data?.find((one) => one.id === operation);
  const isNew = operation === 'new';
  return (
    <>
      <Head
        title={connection.name}
        beside={<Readiness of={connection} />}
        lead={<span className="kp-mono">{addressOf(connection.config)}</span>}
        crumbs={[<To to="/console/connections">Connections</To>, connection.name]}
        actions={<Actions connection={connection} />}
      />
      {list.error ? (
        <Fault what="Its operations" error={list.error} retry={() => void list.refetch()} />
      ) : (
        <div className="kp-inspect">
          <Operations rows={list.data} shown={operation} show={show} />
          {(shown ?? isNew) && (
            <OperationPanel
              key={operation}
              connection={connection}
              operation={isNew ? undefined : shown}
              show={show}
            />
          )}
        </div>
      )}
    </>
  );
}

interface OperationsProps {
  rows: Operation[] | undefined;
  shown: string | undefined;
  show: (id: string | undefined) => void;
}

function Operations({ rows, shown, show }: OperationsProps) {
  return (
    <Panel
      title="Operations"
      label="Operations"
      actions={
        <Button size="compact-xs" leftSection={<IconPlus size={13} />} onClick={() => show('new')}>
          New operation
        </Button>
      }
    >
      {rows?.length === 0 && (
        <p className="kp-small kp-dim">
          An operation is one call: a request or an SQL statement, with <code>{'{{Name}}'}</code>{' '}
          wherever a workflow fills something in.
        </p>
      )}
      {rows && rows.length > 0 && (
        <ul className="kp-requests" aria-label="Operations of this connection">
          {rows.map((one) => (
            <li key={one.id}>
              <button type="button" aria-current={one.id === shown} onClick={() => show(one.id)}>
                <span className="kp-requests-line">
                  <strong className="kp-mono">{signOf(one.config)[0]}</strong>
                  <span className="kp-clip">{one.name}</span>
                </span>
                <span className="kp-mono kp-dim" style={{ fontSize: 12 }}>
                  {signOf(one.config)[1]}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Actions({ connection }: { connection: ConnectionType }) {
  const [editing, edit] = useDisclosure(false);
  const [deleting, del] = useDisclosure(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const id = connection.id;
  const test = useMutation({
    mutationFn: () => testConnection(id),
    onSuccess: ({ status, message }) =>
      status === 'ok'
        ? done(`${connection.name} answers: ${message}`)
        : failed('The test failed', new Error(message)),
    onError: (error) => failed('The test failed', error),
  });
  const save = useMutation({
    mutationFn: (fields: object) =>
      updateConnection(id, { ...fields, lockVersion: connection.lockVersion }),
    onSuccess: (after) => {
      client.setQueryData(connectionQuery(id).queryKey, after);
      void client.invalidateQueries({ queryKey: ['connections', 'list'] });
      done(`${after.name} saved`);
      edit.close();
    },
  });
  const drop = useMutation({
    mutationKey: deletion('connection', id),
    mutationFn: () => removeConnection(id),
    onSuccess: async () => {
      done(`Connection ${connection.name} deleted`);
      await navigate({ to: '/console/connections' });
      client.removeQueries({ queryKey: connectionQuery(id).queryKey });
      client.removeQueries({ queryKey: operationsQuery(id).queryKey });
    },
    onError: (error) => failed('Could not delete it', error),
  });
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconStethoscope size={14} />}
        loading={test.isPending}
        onClick={() => test.mutate()}
      >
        Test
      </Button>
      <Button variant="default" leftSection={<IconSettings size={14} />} onClick={edit.open}>
        Settings
      </Button>
      <Button variant="default" leftSection={<IconTrash size={14} />} onClick={del.open}>
        Delete
      </Button>
      <Drawer
        opened={editing}
        onClose={edit.close}
        position="right"
        size="lg"
        title={`Settings of ${connection.name}`}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {editing && (
          <ConnectionForm
            connection={connection}
            action="Save"
            busy={save.isPending}
            error={save.error}
            save={(fields) => save.mutate(fields)}
          />
        )}
      </Drawer>
      <Confirm
        opened={deleting}
        title={`Delete the connection “${connection.name}”?`}
        action={`Delete ${connection.name}`}
        busy={drop.isPending}
        confirm={() => drop.mutate()}
        close={del.close}
      >
        {deleting && <Losses id={id} />}
      </Confirm>
    </>
  );
}

/** What goes with it: its operations, and the trees that can no longer call them. */
function Losses({ id }: { id: string }) {
  const { data: usage, error } = useQuery(usageQuery(id));
  const { data: operations } = useQuery(operationsQuery(id));
  if (error) return <p>{words(error)}</p>;
  if (!usage) return <Waiting rows={2} />;
  return (
    <>
      <p>
        Its credentials and {plural(operations?.length ?? 0, 'operation')} are gone for good.{' '}
        {usage.trees.length === 0
          ? 'No tree calls them.'
          : `Runs of ${plural(usage.trees.length, 'tree')} will fail where they call them:`}
      </p>
      <ul>
        {usage.trees.map((tree) => (
          <li key={tree.id}>
            <To to="/console/trees/$title" params={{ title: tree.title }}>
              {tree.title}
            </To>
          </li>
        ))}
      </ul>
    </>
  );
}
