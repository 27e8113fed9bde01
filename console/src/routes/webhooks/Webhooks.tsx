// Webhooks: what reacts to what, for the space and for each kapp.
import { Button, Tooltip } from '@mantine/core';
import { IconPlus, IconSparkles } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { kapps } from '../../api/forms';
import { createConventional, webhooks as webhooksQuery, type Scope } from '../../api/webhooks';
import type { Webhook } from '../../api/types';
import { typeAndEvent } from '../../logic/jobs';
import { webhookState } from '../../logic/states';
import { target } from '../../logic/target';
import { plural } from '../../logic/text';
import { LinkButton } from '../../parts/Button';
import { done, failed } from '../../parts/notify';
import { Fault, Head, Panel } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { SearchBox } from '../../parts/SearchBox';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';

const route = getRouteApi('/frame/console/webhooks');

export function Webhooks() {
  const { q = '' } = route.useSearch();
  const navigate = useNavigate({ from: '/console/webhooks' });
  const { data: kappList, error } = useQuery(kapps);
  return (
    <>
      <Head
        title="Webhooks"
        lead="A webhook listens for an event and starts a workflow or calls a URL. Those of the space hear users, teams and the datastore; those of a kapp hear its forms and submissions."
        actions={
          <LinkButton to="/console/webhooks/new" leftSection={<IconPlus size={14} />}>
            New webhook
          </LinkButton>
        }
      />
      <div className="kp-toolbar">
        <SearchBox
          label="Search webhooks"
          placeholder="Search by name, event or target"
          width={260}
          value={q}
          change={(next) => void navigate({ search: { q: next }, replace: true })}
        />
      </div>
      {error && <Fault what="Kapps" error={error} />}
      <div className="kp-stack">
        <Level scope={null} name="Space" search={q} />
        {kappList?.map((kapp) => (
          <Level key={kapp.slug} scope={kapp.slug} name={kapp.name} search={q} />
        ))}
      </div>
    </>
  );
}

interface LevelProps {
  scope: Scope;
  name: string;
  search: string;
}

function Level({ scope, name, search }: LevelProps) {
  const { data, error, refetch } = useQuery(webhooksQuery(scope));
  const navigate = useNavigate();
  const wanted = search.toLowerCase();
  const rows = data?.filter((one) =>
    `${one.name} ${typeAndEvent(one.type, one.event)} ${target(one.url).title}`
      .toLowerCase()
      .includes(wanted),
  );
  return (
    <Panel
      title={
        <>
          {name}{' '}
          <span className="kp-dim" style={{ fontWeight: 400 }}>
            {scope === null ? 'users, teams and the datastore' : `kapp ${scope}`}
          </span>
        </>
      }
      label={`Webhooks of ${name}`}
      actions={<Conventional scope={scope} name={name} />}
      flush
    >
      {error && <Fault what={`Webhooks of ${name}`} error={error} retry={() => void refetch()} />}
      {rows?.length === 0 ? (
        <div className="kp-panel-body kp-dim" style={{ fontSize: 13.5 }}>
          {wanted
            ? 'No webhook matches.'
            : `Nothing listens to ${name} yet. Create a webhook, or the conventional set for all of its events.`}
        </div>
      ) : (
        !error && (
          <Rows
            label={`Webhooks of ${name}`}
            loadingRows={3}
            rows={rows}
            rowKey={(one) => one.name}
            columns={columns(scope)}
            open={(one) =>
              void navigate({
                to: '/console/webhooks/edit/$name',
                params: { name: one.name },
                search: { kapp: scope ?? undefined },
              })
            }
          />
        )
      )}
    </Panel>
  );
}

const columns = (scope: Scope): Column<Webhook>[] => [
  {
    title: 'Webhook',
    width: '20%',
    clip: true,
    cell: (one) => (
      <To
        to="/console/webhooks/edit/$name"
        params={{ name: one.name }}
        search={{ kapp: scope ?? undefined }}
        strong
      >
        {one.name}
      </To>
    ),
  },
  { title: 'When', width: '18%', clip: true, cell: (one) => typeAndEvent(one.type, one.event) },
  {
    title: 'Then',
    clip: true,
    cell: (one) => {
      const where = target(one.url);
      const verb = where.kind === 'url' ? 'call' : 'start';
      return (
        <span title={one.url}>
          <span className="kp-dim">{verb}</span> {where.short}
        </span>
      );
    },
  },
  {
    title: 'Only if',
    width: '20%',
    clip: true,
    cell: (one) =>
      one.filter ? (
        <code className="kp-tag" title={one.filter}>
          {one.filter}
        </code>
      ) : (
        <span className="kp-dim">always</span>
      ),
  },
  {
    title: 'State',
    width: 110,
    cell: (one) => <Status of={webhookState(one)} title={one.disabledReason ?? undefined} />,
  },
];

function Conventional({ scope, name }: { scope: Scope; name: string }) {
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: () => createConventional(scope),
    onSuccess: ({ created, skipped }) => {
      done(
        created.length
          ? `${plural(created.length, 'webhook')} created for ${name}, ${skipped.length} already there`
          : `${name} already has the conventional set`,
      );
      void client.invalidateQueries({ queryKey: ['webhooks'] });
    },
    onError: (error) => failed('Could not create the conventional set', error),
  });
  return (
    <Tooltip label="One webhook for each event, pointing at the tree that convention gives it">
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconSparkles size={13} />}
        loading={make.isPending}
        onClick={() => make.mutate()}
      >
        Create the conventional set
      </Button>
    </Tooltip>
  );
}
