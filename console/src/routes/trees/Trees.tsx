// Trees: what has been automated, by source.
import { IconBinaryTree } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { titleOf, trees as treesQuery } from '../../api/trees';
import type { Tree } from '../../api/types';
import { plural } from '../../logic/text';
import { bySource, problemCount } from '../../logic/trees';
import { Empty, Fault, Head, Panel } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { SearchBox } from '../../parts/SearchBox';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

const route = getRouteApi('/frame/console/trees');

export function Trees() {
  const { q = '' } = route.useSearch();
  const navigate = useNavigate({ from: '/console/trees' });
  const { data, error, refetch } = useQuery(treesQuery);
  const wanted = q.toLowerCase();
  const shown = data?.filter((tree) => titleOf(tree).toLowerCase().includes(wanted));
  return (
    <>
      <Head
        title="Trees"
        lead="A tree is a workflow: nodes that do things, connectors that decide what comes next. Each run follows one."
      />
      <div className="kp-toolbar">
        <SearchBox
          label="Search trees"
          placeholder="Search by group or name"
          width={260}
          value={q}
          change={(next) => void navigate({ search: { q: next }, replace: true })}
        />
      </div>
      {error && <Fault what="Trees" error={error} retry={() => void refetch()} />}
      {!data && !error && (
        <Rows label="Trees" columns={COLUMNS} rows={undefined} rowKey={titleOf} />
      )}
      {shown?.length === 0 && (
        <Empty icon={IconBinaryTree} title={wanted ? 'No tree matches' : 'There is no tree yet'}>
          {wanted
            ? 'Search for part of a group or name.'
            : 'Import a tree with a POST to the trees route of the API; it appears here with its picture and its problems.'}
        </Empty>
      )}
      <div className="kp-stack">
        {bySource(shown ?? []).map(([source, list]) => (
          <Panel
            key={source}
            title={source === '-' ? 'Routines' : source}
            actions={<span className="kp-dim">{plural(list.length, 'tree')}</span>}
            flush
          >
            <Rows
              label={`Trees of ${source}`}
              columns={COLUMNS}
              rows={list}
              rowKey={titleOf}
              open={(tree) =>
                void navigate({
                  to: '/console/trees/$title',
                  params: { title: titleOf(tree) },
                  search: {},
                })
              }
            />
          </Panel>
        ))}
      </div>
    </>
  );
}

const COLUMNS: Column<Tree>[] = [
  {
    title: 'Group',
    width: '36%',
    clip: true,
    cell: (tree) => <span className="kp-dim">{tree.sourceGroup || '–'}</span>,
  },
  {
    title: 'Name',
    clip: true,
    cell: (tree) => (
      <To to="/console/trees/$title" params={{ title: titleOf(tree) }} strong>
        {tree.name}
      </To>
    ),
  },
  { title: 'Status', width: 110, cell: (tree) => <Status of={tree.status} /> },
  {
    title: 'Problems',
    width: 130,
    cell: (tree) => {
      const count = problemCount(tree);
      return count ? (
        <Status of={{ word: plural(count, 'problem'), tone: 'bad' }} />
      ) : (
        <span className="kp-dim">None</span>
      );
    },
  },
  { title: 'Changed', width: 120, cell: (tree) => <When at={tree.updatedAt ?? tree.createdAt} /> },
];
