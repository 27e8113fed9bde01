// Which jobs a recovery is about: a selection, or whatever matches.
import { Button, MultiSelect, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { kapps } from '../../api/forms';
import type { Mode } from '../../api/recoveries';
import { CLASS_CHOICES } from '../../logic/classes';
import type { RecoverySearch } from '../../logic/recoveries';
import { plural } from '../../logic/text';
import { SearchBox } from '../../parts/SearchBox';
import { TimeRange } from '../../parts/TimeRange';
import { useWebhookNames } from '../webhook-jobs/Filters';

interface Props {
  search: RecoverySearch;
  mode: Mode;
  set: (change: RecoverySearch) => void;
}

export function Which({ search, mode, set }: Props) {
  const names = useWebhookNames();
  const { data: kappList } = useQuery(kapps);
  if (search.ids)
    return (
      <div className="kp-toolbar" style={{ margin: 0 }}>
        <span>{plural(search.ids.split(',').length, 'selected job')}</span>
        <Button variant="default" onClick={() => set({ ids: undefined })}>
          Choose by filter instead
        </Button>
      </div>
    );
  const known = search.webhook && !names.includes(search.webhook) ? [search.webhook] : [];
  return (
    <div className="kp-fields">
      <div>
        <div className="kp-label">{mode === 'missing' ? 'Events of' : 'Jobs of'}</div>
        <TimeRange value={search} change={set} />
      </div>
      <Select
        label="Webhook"
        placeholder="Every webhook"
        clearable
        searchable
        data={[...known, ...names]}
        value={search.webhook ?? null}
        onChange={(webhook) => set({ webhook: webhook ?? undefined })}
      />
      <Select
        label="Kapp"
        placeholder="Every kapp"
        clearable
        data={(kappList ?? []).map(({ slug, name }) => ({ value: slug, label: name }))}
        value={search.kapp ?? null}
        onChange={(kapp) => set({ kapp: kapp ?? undefined })}
      />
      {mode === 'replay' && (
        <MultiSelect
          label="Status"
          placeholder={search.status ? undefined : 'Failed and cancelled'}
          data={['Failed', 'Cancelled', 'Complete']}
          value={search.status?.split(',') ?? []}
          onChange={(status) => set({ status: status.join(',') || undefined })}
        />
      )}
      {mode !== 'missing' && (
        <>
          <Select
            label="Why it failed"
            placeholder="Any reason"
            clearable
            data={CLASS_CHOICES}
            value={search.class ?? null}
            onChange={(next) => set({ class: next ?? undefined })}
          />
          <TextInput
            key={search.endpoint}
            label="Endpoint"
            placeholder="https://hooks.example.com"
            defaultValue={search.endpoint}
            onBlur={(event) => set({ endpoint: event.currentTarget.value.trim() || undefined })}
          />
        </>
      )}
      <div>
        <div className="kp-label">Text</div>
        <SearchBox
          label="Text in request or answer"
          placeholder="In request or answer"
          width={200}
          value={search.text}
          change={(text) => set({ text })}
        />
      </div>
    </div>
  );
}
