// One inspector: its address, what arrived there, live, and what it answers.
import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconEraser, IconSettings, IconTrash } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import {
  clear,
  inspector as inspectorQuery,
  remove,
  requests as requestsQuery,
  type Inspector as InspectorType,
} from '../../api/inspectors';
import { deletion, useStays } from '../../live/deleting';
import { curl } from '../../logic/curl';
import { plural } from '../../logic/text';
import { Confirm } from '../../parts/Confirm';
import { CopyButton } from '../../parts/Copy';
import { More } from '../../parts/ListFoot';
import { done, failed } from '../../parts/notify';
import { Fault, Head, Panel, Waiting } from '../../parts/Page';
import { To } from '../../parts/To';
import { AnswerForm } from './AnswerForm';
import { RequestList } from './RequestList';
import { RequestView } from './RequestView';

const route = getRouteApi('/frame/console/inspectors/$id');

export function Inspector() {
  const { id } = route.useParams();
  const { request } = route.useSearch();
  const navigate = useNavigate({ from: '/console/inspectors/$id' });
  const enabled = useStays('inspector', id);
  const { data: inspector, error, refetch } = useQuery({ ...inspectorQuery(id), enabled });
  const list = useInfiniteQuery({ ...requestsQuery(id), enabled });
  if (error) return <Fault what="This inspector" error={error} retry={() => void refetch()} />;
  if (!inspector) return <Waiting rows={6} />;
  const rows = list.data?.pages.flatMap((page) => page.requests);
  const shown = rows?.find((one) => one.id === request) ?? rows?.[0];
  return (
    <>
      <Head
        title={inspector.name}
        lead={
          <>
            <span className="kp-mono">{inspector.url}</span>{' '}
            <CopyButton label="Copy the address" text={() => inspector.url} />
          </>
        }
        crumbs={[<To to="/console/inspectors">Inspectors</To>, inspector.name]}
        actions={<Actions inspector={inspector} count={rows?.length ?? 0} />}
      />
      {list.error ? (
        <Fault what="Its requests" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Try inspector={inspector} />
      ) : (
        <div className="kp-inspect">
          <div>
            <RequestList
              rows={rows}
              shown={shown?.id}
              show={(one) => void navigate({ search: { request: one }, replace: true })}
            />
            <More list={list} />
          </div>
          {shown && <RequestView key={shown.id} inspector={id} listed={shown} />}
        </div>
      )}
    </>
  );
}

/** Teaches the first request. */
function Try({ inspector }: { inspector: InspectorType }) {
  const command = curl(inspector.url, [], '{"hello": "world"}');
  return (
    <Panel title="Waiting for the first request">
      <div className="kp-stack" role="status">
        <p className="kp-small">
          Send something to it from a shell, or{' '}
          <To to="/console/webhooks/new" search={{ url: inspector.url }} strong>
            point a new webhook at it
          </To>
          . What arrives appears here by itself.
        </p>
        <pre className="kp-code">{command}</pre>
        <div>
          <CopyButton label="Copy the command" words text={() => command} />
        </div>
      </div>
    </Panel>
  );
}

function Actions({ inspector, count }: { inspector: InspectorType; count: number }) {
  const [configuring, configure] = useDisclosure(false);
  const [deleting, del] = useDisclosure(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const empty = useMutation({
    mutationFn: () => clear(inspector.id),
    onSuccess: () => done(`${plural(count, 'request')} forgotten`),
    onError: (error) => failed('Could not clear it', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['inspectors'] }),
  });
  const drop = useMutation({
    mutationKey: deletion('inspector', inspector.id),
    mutationFn: () => remove(inspector.id),
    onSuccess: async () => {
      done(`Inspector ${inspector.name} deleted`);
      await navigate({ to: '/console/inspectors' });
      client.removeQueries({ queryKey: inspectorQuery(inspector.id).queryKey });
      client.removeQueries({ queryKey: requestsQuery(inspector.id).queryKey });
    },
    onError: (error) => failed('Could not delete it', error),
  });
  return (
    <>
      <Button variant="default" leftSection={<IconSettings size={14} />} onClick={configure.open}>
        Answer with {inspector.status}
      </Button>
      <Button
        variant="default"
        leftSection={<IconEraser size={14} />}
        disabled={count === 0}
        loading={empty.isPending}
        onClick={() => empty.mutate()}
      >
        Clear
      </Button>
      <Button variant="default" leftSection={<IconTrash size={14} />} onClick={del.open}>
        Delete
      </Button>
      <AnswerForm inspector={inspector} opened={configuring} close={configure.close} />
      <Confirm
        opened={deleting}
        title={`Delete the inspector “${inspector.name}”?`}
        action={`Delete ${inspector.name}`}
        busy={drop.isPending}
        confirm={() => drop.mutate()}
        close={del.close}
      >
        Its address stops answering, so webhooks that point at it will fail, and what it recorded is
        gone.
      </Confirm>
    </>
  );
}
