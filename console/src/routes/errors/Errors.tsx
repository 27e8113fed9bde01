// Errors: what is broken in runs, grouped by cause, to be dealt with one by one or all at once.
import { SegmentedControl } from '@mantine/core';
import { IconMoodCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { errorGroups, resolutions as resolutionsQuery } from '../../api/errors';
import { causesOf } from '../../logic/errors';
import { SearchBox } from '../../parts/SearchBox';
import { Empty, Fault, Head, Waiting } from '../../parts/Page';
import { CausePanel } from './CausePanel';
import { ErrorRows } from './ErrorRows';
import { ResolutionPanel } from './Resolutions';

const route = getRouteApi('/frame/console/errors');

export interface ErrorSearch {
  status?: string;
  q?: string;
  /** The cause that is unfolded. */
  cause?: string;
  /** The bulk resolution whose progress or report is shown. */
  resolution?: string;
}

export function Errors() {
  const search: ErrorSearch = route.useSearch();
  const navigate = useNavigate({ from: '/console/errors' });
  const set = (change: ErrorSearch) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const handled = search.status === 'Handled';
  return (
    <>
      <Head
        title="Errors"
        lead="A run that cannot go on stops at an error and waits for a person. Nothing is lost: repair the cause, then retry or skip."
      />
      <div className="kp-toolbar">
        <SegmentedControl
          size="xs"
          aria-label="Status"
          value={handled ? 'Handled' : 'Active'}
          onChange={(next) => set({ status: next === 'Active' ? undefined : next })}
          data={[
            { value: 'Active', label: 'Open' },
            { value: 'Handled', label: 'Handled' },
          ]}
        />
        {!handled && (
          <SearchBox
            label="What they say"
            placeholder="Text of the error or a tree"
            value={search.q}
            change={(q) => set({ q })}
          />
        )}
      </div>
      <Work chosen={search.resolution} close={() => set({ resolution: undefined })} />
      {handled ? <ErrorRows status="Handled" filter={{}} /> : <Open search={search} set={set} />}
    </>
  );
}

/** The resolutions that are at work, and the one whose report is being read. */
function Work({ chosen, close }: { chosen: string | undefined; close: () => void }) {
  const { data } = useQuery(resolutionsQuery);
  const working = (data ?? []).filter((one) => /running|paused/i.test(one.status));
  const ids = [...new Set([...(chosen ? [chosen] : []), ...working.map((one) => one.id)])];
  if (ids.length === 0) return null;
  return (
    <div className="kp-stack" style={{ marginBottom: 16 }}>
      {ids.map((id) => (
        <ResolutionPanel key={id} id={id} close={close} />
      ))}
    </div>
  );
}

interface OpenProps {
  search: ErrorSearch;
  set: (change: ErrorSearch) => void;
}

function Open({ search, set }: OpenProps) {
  const { data, error, refetch } = useQuery(errorGroups());
  if (error) return <Fault what="Errors" error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const wanted = search.q?.toLowerCase() ?? '';
  const says = (text: string) => text.toLowerCase().includes(wanted);
  const causes = causesOf(data).filter(
    (cause) => says(cause.summary) || cause.groups.some((group) => says(group.tree)),
  );
  if (causes.length === 0)
    return wanted ? (
      <Empty icon={IconMoodCheck} title="No error says that">
        The search looks at what errors say in one line and at the names of their trees.
      </Empty>
    ) : (
      <Empty icon={IconMoodCheck} title="Nothing is broken">
        When a node of a run fails, the error appears here with what can be done about it.
      </Empty>
    );
  return (
    <div className="kp-stack">
      {causes.map((cause) => (
        <CausePanel
          key={cause.key}
          cause={cause}
          opened={search.cause === cause.key || causes.length === 1}
          toggle={(open) => set({ cause: open ? cause.key : undefined })}
          begun={(resolution) => set({ resolution: resolution.id })}
        />
      ))}
    </div>
  );
}
