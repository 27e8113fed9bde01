// Activity: what happened, newest first.
import { Button, Select } from '@mantine/core';
import { IconActivity } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { events as eventsQuery, newestEvents } from '../../api/events';
import { kapps } from '../../api/forms';
import { catalogue } from '../../api/webhooks';
import type { EventSummary } from '../../api/types';
import { eventName } from '../../logic/jobs';
import { plural } from '../../logic/text';
import { More, NewRows } from '../../parts/ListFoot';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { SearchBox } from '../../parts/SearchBox';
import { To } from '../../parts/To';
import { ToneIcon } from '../../parts/Status';
import { useStill } from '../../parts/useStill';
import { When } from '../../parts/When';

const route = getRouteApi('/frame/console/activity');

export function Events() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/activity' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const list = useInfiniteQuery(eventsQuery(search));
  const newest = useQuery(newestEvents(search));
  const { rows, waiting } = useStill(list, (page) => page.events, newest.data);
  const filtered = Object.keys(search).length > 0;
  return (
    <>
      <Head
        title="Activity"
        lead="Every change to a user, team, form or submission is an event. Open one to see who did it, which webhooks it fired and what followed."
      />
      <Filters search={search} set={set} />
      <NewRows count={waiting} show={() => void list.refetch()} />
      {list.error ? (
        <Fault what="Activity" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty
          icon={IconActivity}
          title={filtered ? 'No event matches' : 'Nothing has happened yet'}
          action={
            filtered ? (
              <Button
                variant="default"
                onClick={() => void navigate({ to: '/console/activity', search: {} })}
              >
                Clear the filters
              </Button>
            ) : (
              <Button onClick={() => void navigate({ to: '/console/kapps' })}>
                Fill in a form
              </Button>
            )
          }
        >
          {filtered
            ? 'Choose another type or search for something else.'
            : 'Fill in a form, add a user, change a team: each becomes an event here.'}
        </Empty>
      ) : (
        <>
          <Rows
            label="Events"
            columns={COLUMNS}
            rows={rows}
            rowKey={(row) => row.id}
            open={(row) => void navigate({ to: '/console/activity/$id', params: { id: row.id } })}
          />
          <More list={list} />
        </>
      )}
    </>
  );
}

interface FilterProps {
  search: ReturnType<typeof route.useSearch>;
  set: (change: ReturnType<typeof route.useSearch>) => void;
}

function Filters({ search, set }: FilterProps) {
  const { data: space } = useQuery(catalogue('space'));
  const { data: kapp } = useQuery(catalogue('kapp'));
  const { data: kappList } = useQuery(kapps);
  const types = { ...space, ...kapp };
  return (
    <div className="kp-toolbar">
      <SearchBox
        label="Search events"
        placeholder="Search by label or person"
        value={search.q}
        change={(q) => set({ q })}
      />
      <Select
        size="xs"
        w={180}
        aria-label="Type"
        placeholder="Every type"
        clearable
        data={Object.keys(types).sort()}
        value={search.type ?? null}
        onChange={(type) => set({ type: type ?? undefined, event: undefined })}
      />
      {search.type && (
        <Select
          size="xs"
          w={160}
          aria-label="Event"
          placeholder="Every event"
          clearable
          data={types[search.type] ?? []}
          value={search.event ?? null}
          onChange={(event) => set({ event: event ?? undefined })}
        />
      )}
      <Select
        size="xs"
        w={150}
        aria-label="Kapp"
        placeholder="Every kapp"
        clearable
        data={(kappList ?? []).map(({ slug, name }) => ({ value: slug, label: name }))}
        value={search.kapp ?? null}
        onChange={(slug) => set({ kapp: slug ?? undefined })}
      />
    </div>
  );
}

const COLUMNS: Column<EventSummary>[] = [
  {
    title: 'Event',
    width: '24%',
    cell: (row) => (
      <To to="/console/activity/$id" params={{ id: row.id }}>
        <span className="kp-strong">{row.type}</span> {eventName(row.type, row.event)}
      </To>
    ),
  },
  {
    title: 'What',
    clip: true,
    cell: (row) => row.label || <span className="kp-mono kp-dim">{row.entityKey}</span>,
  },
  { title: 'By', width: 130, clip: true, cell: (row) => row.actor ?? '–' },
  { title: 'Kapp', width: 110, cell: (row) => row.kappSlug ?? <span className="kp-dim">–</span> },
  { title: 'Webhooks', width: 220, cell: (row) => <Verdicts event={row} /> },
  { title: 'When', width: 110, cell: (row) => <When at={row.createdAt} /> },
];

function Verdicts({ event }: { event: EventSummary }) {
  const { fired = 0, notMatched = 0, errors = 0 } = event.verdicts ?? {};
  if (errors)
    return (
      <span className="kp-status" data-tone="bad">
        <ToneIcon tone="bad" />
        {plural(errors, 'error')}
        {fired > 0 && `, ${fired} fired`}
      </span>
    );
  if (fired)
    return (
      <span className="kp-status" data-tone="good">
        <ToneIcon tone="good" />
        {fired} fired
        {notMatched > 0 && <span className="kp-dim">, {notMatched} not matched</span>}
      </span>
    );
  return (
    <span className="kp-dim">{notMatched ? `${notMatched} not matched` : 'Nobody listens'}</span>
  );
}
