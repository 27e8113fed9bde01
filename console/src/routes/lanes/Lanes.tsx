// Lanes: every endpoint that is written to, whether it flows, and why not.
import { Select } from '@mantine/core';
import { IconRoute } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lanes as lanesQuery } from '../../api/lanes';
import { LANE_STATES } from '../../logic/lanes';
import { LinkButton } from '../../parts/Button';
import { More } from '../../parts/ListFoot';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { SearchBox } from '../../parts/SearchBox';
import { useRowKeys } from '../../parts/useRowKeys';
import { PauseAll } from '../delivery/PauseAll';
import { COLUMNS } from './columns';

const route = getRouteApi('/frame/console/lanes');

const STATES = Object.entries(LANE_STATES).map(([value, { word }]) => ({ value, label: word }));

export function Lanes() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/lanes' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const list = useInfiniteQuery(lanesQuery(search));
  const rows = list.data?.pages.flatMap((page) => page.lanes);
  const filtered = Object.values(search).some(Boolean);
  useRowKeys();
  return (
    <>
      <Head
        title="Lanes"
        lead="Each endpoint has a lane of its own, so that one that is slow or broken does not hold up the others."
        actions={<PauseAll />}
      />
      <div className="kp-toolbar">
        <SearchBox
          label="Search lanes"
          placeholder="Search by endpoint or webhook"
          width={260}
          value={search.q}
          change={(q) => set({ q })}
        />
        <Select
          size="xs"
          w={170}
          aria-label="State"
          placeholder="Every state"
          clearable
          data={STATES}
          value={search.state ?? null}
          onChange={(state) => set({ state: state ?? undefined })}
        />
      </div>
      {list.error ? (
        <Fault what="Lanes" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty
          icon={IconRoute}
          title={filtered ? 'No lane matches' : 'Nothing is being delivered'}
          action={!filtered && <LinkButton to="/console/webhooks/new">New webhook</LinkButton>}
        >
          {filtered
            ? 'Choose another state or search for part of the address.'
            : 'A lane appears with the first job for an endpoint, and shows how fast it answers, what waits and why.'}
        </Empty>
      ) : (
        <>
          <Rows label="Lanes" columns={COLUMNS} rows={rows} rowKey={(lane) => lane.id} />
          <More list={list} />
        </>
      )}
    </>
  );
}
