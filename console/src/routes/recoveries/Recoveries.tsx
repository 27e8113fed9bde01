// Recoveries: what was sent again in bulk, and how far each is.
import { IconLifebuoy } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { recoveries as recoveriesQuery, type Recovery } from '../../api/recoveries';
import { MODES, progressWords, which } from '../../logic/recoveries';
import { LinkButton } from '../../parts/Button';
import { More } from '../../parts/ListFoot';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { useRowKeys } from '../../parts/useRowKeys';
import { When } from '../../parts/When';
import { RecoveryBar } from './RecoveryBar';

export function Recoveries() {
  const list = useInfiniteQuery(recoveriesQuery);
  const rows = list.data?.pages.flatMap((page) => page.recoveries);
  const navigate = useNavigate();
  useRowKeys();
  const start = (
    <LinkButton to="/console/recoveries/new" leftSection={<IconLifebuoy size={14} />}>
      New recovery
    </LinkButton>
  );
  return (
    <>
      <Head
        title="Recovery"
        lead="After an outage: send failed jobs again at a rate the receiver can bear, send what never went out, or call off what waits."
        actions={start}
      />
      {list.error ? (
        <Fault what="Recoveries" error={list.error} retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty icon={IconLifebuoy} title="Nothing was recovered yet" action={start}>
          A recovery shows beforehand how many jobs it would send and to whom, keeps to a rate, can
          be paused, and goes on after a restart.
        </Empty>
      ) : (
        <>
          <Rows
            label="Recoveries"
            columns={COLUMNS}
            rows={rows}
            rowKey={(one) => one.id}
            loadingRows={4}
            open={(one) => void navigate({ to: '/console/recoveries/$id', params: { id: one.id } })}
          />
          <More list={list} />
        </>
      )}
    </>
  );
}

const COLUMNS: Column<Recovery>[] = [
  { title: 'Status', width: 116, cell: (one) => <Status of={one.status} /> },
  {
    title: 'Recovery',
    clip: true,
    cell: (one) => (
      <>
        <To to="/console/recoveries/$id" params={{ id: one.id }} className="kp-strong">
          {one.note || MODES[one.mode].label}
        </To>
        <div className="kp-under">{which(one)}</div>
      </>
    ),
  },
  {
    title: 'Progress',
    width: '34%',
    cell: (one) => (
      <>
        <RecoveryBar recovery={one} />
        <div className="kp-under">{progressWords(one)}</div>
      </>
    ),
  },
  { title: 'By', width: 110, clip: true, cell: (one) => one.createdBy ?? '–' },
  { title: 'Started', width: 110, cell: (one) => <When at={one.createdAt} /> },
];
