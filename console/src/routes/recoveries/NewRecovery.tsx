// A new recovery: what to do, to which jobs, how fast; with a preview of exactly that beside it.
import { Alert, Button, NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { preview as previewQuery, startRecovery, type Mode } from '../../api/recoveries';
import { draftOf, modeOf, MODES, type RecoverySearch } from '../../logic/recoveries';
import { plural } from '../../logic/text';
import { done, words } from '../../parts/notify';
import { Head, Panel } from '../../parts/Page';
import { To } from '../../parts/To';
import { PreviewPanel } from './PreviewPanel';
import { Which } from './Which';

const route = getRouteApi('/frame/console/recoveries/new');

export function NewRecovery() {
  const search: RecoverySearch = route.useSearch();
  const navigate = useNavigate({ from: '/console/recoveries/new' });
  const client = useQueryClient();
  const set = (change: RecoverySearch) =>
    void navigate({ search: { ...search, ...change }, replace: true });
  const key = JSON.stringify(search);
  const draft = useMemo(() => draftOf(JSON.parse(key) as RecoverySearch, Date.now()), [key]);
  const { ratePerSecond: _, note: __, ...asked } = draft;
  const preview = useQuery(previewQuery(asked));
  const mode = modeOf(search);
  const start = useMutation({
    mutationFn: () => startRecovery(draft),
    onSuccess: async (made) => {
      done('The recovery has started');
      void client.invalidateQueries({ queryKey: ['recoveries'] });
      await navigate({ to: '/console/recoveries/$id', params: { id: made.id } });
    },
  });
  return (
    <>
      <Head
        title="New recovery"
        lead="Nothing is sent before you start it. The preview shows what would be."
        crumbs={[<To to="/console/recoveries">Recovery</To>, 'New']}
      />
      <div className="kp-cols kp-cols-even">
        <div className="kp-stack">
          <Panel title="What to do">
            <div className="kp-stack" style={{ gap: 10 }}>
              <SegmentedControl
                aria-label="What to do"
                value={mode}
                onChange={(next) => set({ mode: next })}
                data={Object.entries(MODES).map(([value, { label }]) => ({ value, label }))}
              />
              <p className="kp-small kp-dim">{MODES[mode].hint}</p>
            </div>
          </Panel>
          <Panel title="To which">
            <Which search={search} mode={mode} set={set} />
          </Panel>
          <Panel title="How">
            <How search={search} mode={mode} set={set} />
          </Panel>
        </div>
        <div className="kp-stack">
          <PreviewPanel mode={mode} query={preview} />
          {start.isError && (
            <Alert color="red" variant="light" title="It was not started" role="alert">
              {words(start.error)}
            </Alert>
          )}
          <Button
            size="sm"
            color={mode === 'cancel' ? 'red' : undefined}
            disabled={!preview.data || preview.data.count === 0 || preview.isPlaceholderData}
            loading={start.isPending}
            onClick={() => start.mutate()}
          >
            {preview.data
              ? MODES[mode].start(
                  `${preview.data.isExact ? '' : 'at least '}${plural(preview.data.count, 'job')}`,
                )
              : 'Start'}
          </Button>
        </div>
      </div>
    </>
  );
}

interface HowProps {
  search: RecoverySearch;
  mode: Mode;
  set: (change: RecoverySearch) => void;
}

function How({ search, mode, set }: HowProps) {
  return (
    <div className="kp-fields">
      {mode !== 'cancel' && (
        <NumberInput
          label="Jobs a second, at most"
          placeholder="50"
          min={0.1}
          value={search.rate ?? ''}
          onChange={(rate) => set({ rate: rate === '' ? undefined : String(rate) })}
        />
      )}
      <TextInput
        label="Note"
        placeholder="After the outage of the order service"
        maxLength={200}
        defaultValue={search.note}
        onBlur={(event) => set({ note: event.currentTarget.value.trim() || undefined })}
      />
    </div>
  );
}
