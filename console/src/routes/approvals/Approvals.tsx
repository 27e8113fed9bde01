// Approvals: what waits for the person who looks, decided in place.
import { SegmentedControl, VisuallyHidden } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { approvals as approvalsQuery, type ApprovalScope } from '../../api/approvals';
import { me } from '../../api/session';
import type { Submission } from '../../api/types';
import { assigneeOf, titleOfApproval } from '../../logic/approvals';
import { More } from '../../parts/ListFoot';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { To } from '../../parts/To';
import { useRowKeys } from '../../parts/useRowKeys';
import { When } from '../../parts/When';
import { Decide } from './Decide';
import './approvals.css';

const route = getRouteApi('/frame/console/approvals');

export function Approvals() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/console/approvals' });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const admin = useQuery(me).data?.spaceAdmin === true;
  const scope: ApprovalScope = admin && search.scope === 'all' ? 'all' : 'mine';
  const decided = search.state === 'decided';
  const list = useInfiniteQuery(approvalsQuery(scope, decided ? 'Submitted,Closed' : undefined));
  const rows = list.data?.pages.flatMap((page) => page.submissions);
  useRowKeys();
  const count = list.data?.pages[0]?.count;
  const chosen = decided ? undefined : search.id;
  return (
    <>
      <Head
        title="Approvals"
        lead="Each of these holds up a workflow until somebody answers it. The answer lets the run go on."
      />
      <div className="kp-toolbar">
        <SegmentedControl
          size="xs"
          aria-label="State"
          value={decided ? 'decided' : 'open'}
          onChange={(state) => set({ state: state === 'open' ? undefined : state, id: undefined })}
          data={[
            { value: 'open', label: 'Waiting' },
            { value: 'decided', label: 'Decided' },
          ]}
        />
        {admin && (
          <SegmentedControl
            size="xs"
            aria-label="Whose"
            value={scope}
            onChange={(next) => set({ scope: next === 'all' ? 'all' : undefined, id: undefined })}
            data={[
              { value: 'mine', label: 'Mine and my teams’' },
              { value: 'all', label: 'Everybody’s' },
            ]}
          />
        )}
        {count !== undefined && count > 0 && (
          <span className="kp-dim" style={{ fontSize: 12.5 }}>
            {count >= 1000 ? '1,000 or more' : count}
          </span>
        )}
      </div>
      {list.error ? (
        <Fault what="Approvals" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Nothing decided={decided} others={admin && scope === 'mine'} />
      ) : (
        <div className={chosen ? 'kp-cols kp-cols-even' : undefined}>
          <div>
            <Rows
              label={decided ? 'Decided approvals' : 'Open approvals'}
              rows={rows}
              rowKey={(one) => one.id}
              open={decided ? undefined : (one) => set({ id: one.id })}
              columns={columns({
                decided,
                narrow: chosen !== undefined,
                everybody: scope === 'all',
              })}
            />
            <More list={list} />
          </div>
          {chosen && (
            <Decide
              key={chosen}
              id={chosen}
              next={nextOf(rows ?? [], chosen)}
              show={(id) => set({ id })}
            />
          )}
        </div>
      )}
    </>
  );
}

/** The approval behind one that is about to leave the list, else the one before it. */
function nextOf(rows: Submission[], id: string): string | undefined {
  const at = rows.findIndex((one) => one.id === id);
  return (rows[at + 1] ?? rows[at - 1])?.id;
}

function Nothing({ decided, others }: { decided: boolean; others: boolean }) {
  if (decided)
    return (
      <Empty icon={IconChecklist} title="Nothing has been decided yet">
        Whatever you or your teams decide stays here.
      </Empty>
    );
  return (
    <Empty icon={IconChecklist} title="Nothing waits for you">
      When a workflow needs a decision of yours or of one of your teams, it appears here. Deciding
      takes one click and a comment.
      {others && ' “Everybody’s” shows what waits for others.'}
    </Empty>
  );
}

interface Shown {
  decided: boolean;
  narrow: boolean;
  everybody: boolean;
}

function columns({ decided, narrow, everybody }: Shown): Column<Submission>[] {
  const what: Column<Submission> = {
    title: 'What',
    clip: true,
    cell: (one) =>
      decided ? (
        <To to="/console/submissions/$id" params={{ id: one.id }} strong>
          {titleOfApproval(one)}
        </To>
      ) : (
        <To to="/console/approvals" search={(now) => ({ ...now, id: one.id })} strong>
          {titleOfApproval(one)}
        </To>
      ),
  };
  const when: Column<Submission> = decided
    ? {
        title: 'Decided',
        width: 200,
        clip: true,
        cell: (one) => (
          <>
            <When at={one.submittedAt} />
            {one.submittedBy && <span className="kp-dim"> by {one.submittedBy}</span>}
          </>
        ),
      }
    : { title: 'Asked', width: 110, cell: (one) => <When at={one.createdAt} /> };
  if (narrow) return [what, when];
  return [
    what,
    { title: 'Form', width: 160, clip: true, cell: (one) => one.form?.name ?? '–' },
    { title: 'Kapp', width: 130, clip: true, cell: (one) => one.form?.kapp?.name ?? '–' },
    ...(everybody
      ? [
          {
            title: 'For',
            width: 150,
            clip: true,
            cell: (one: Submission) =>
              assigneeOf(one) ?? <span className="kp-dim">nobody in particular</span>,
          },
        ]
      : []),
    when,
    ...(decided
      ? [
          {
            title: 'Answer',
            width: 110,
            cell: (one: Submission) => String(one.values?.['Decision'] ?? '–'),
          },
        ]
      : [
          {
            title: <VisuallyHidden>Action</VisuallyHidden>,
            width: 100,
            align: 'right' as const,
            cell: (one: Submission) => (
              <To to="/console/approvals" search={(now) => ({ ...now, id: one.id })} strong>
                Decide
              </To>
            ),
          },
        ]),
  ];
}
