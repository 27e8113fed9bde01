// What narrows the list of jobs: the usual fields, the rarer ones folded away, and their chips.
import { Button, Pill, Popover, Select, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAdjustmentsHorizontal } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { kapps } from '../../api/forms';
import { webhooks } from '../../api/webhooks';
import { CLASS_CHOICES } from '../../logic/classes';
import { chips, tabOf, viewName, type JobSearch } from '../../logic/jobSearch';
import { SavedViews } from '../../parts/SavedViews';
import { SearchBox } from '../../parts/SearchBox';
import { TimeRange } from '../../parts/TimeRange';

interface Props {
  search: JobSearch;
  set: (change: JobSearch) => void;
  /** Replaces everything that the address holds. */
  replace: (search: JobSearch) => void;
}

export const STATUSES = ['Queued', 'In Progress', 'Complete', 'Failed', 'Cancelled'];

/** The names of all webhooks, of the space and of every kapp. */
export function useWebhookNames(): string[] {
  const slugs = (useQuery(kapps).data ?? []).map((kapp) => kapp.slug);
  const lists = useQueries({ queries: [null, ...slugs].map((scope) => webhooks(scope)) });
  const names = lists.flatMap((list) => (list.data ?? []).map((one) => one.name));
  return [...new Set(names)].sort();
}

export function Filters({ search, set, replace }: Props) {
  const names = useWebhookNames();
  const known = search.webhook && !names.includes(search.webhook) ? [search.webhook] : [];
  return (
    <>
      <SearchBox
        label="Search jobs"
        placeholder="Text in request or answer"
        width={220}
        value={search.text}
        change={(text) => set({ text })}
      />
      <TimeRange value={search} change={set} />
      <Select
        size="xs"
        w={190}
        aria-label="Webhook"
        placeholder="Every webhook"
        clearable
        searchable
        data={[...known, ...names]}
        value={search.webhook ?? null}
        onChange={(webhook) => set({ webhook: webhook ?? undefined })}
      />
      {tabOf(search) === 'all' && (
        <Select
          size="xs"
          w={140}
          aria-label="Status"
          placeholder="Every status"
          clearable
          data={STATUSES}
          value={search.status ?? null}
          onChange={(status) => set({ status: status ?? undefined })}
        />
      )}
      <More search={search} set={set} replace={replace} />
      <SavedViews
        of="jobs"
        current={search}
        proposal={viewName(search)}
        apply={(view) => replace(view as JobSearch)}
      />
      {chips(search).map((chip) => (
        <Pill
          key={chip.words}
          withRemoveButton
          onRemove={() => set(chip.without)}
          removeButtonProps={{ 'aria-label': `Remove: ${chip.words}`, 'aria-hidden': false }}
        >
          {chip.words}
        </Pill>
      ))}
    </>
  );
}

type Rare = Pick<JobSearch, 'class' | 'endpoint' | 'url' | 'id' | 'kapp' | 'q'>;

function More({ search, set }: Props) {
  const [open, popover] = useDisclosure(false);
  return (
    <Popover opened={open} onChange={popover.toggle} position="bottom-start" trapFocus withinPortal>
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconAdjustmentsHorizontal size={14} />}
          onClick={popover.toggle}
        >
          More filters
        </Button>
      </Popover.Target>
      <Popover.Dropdown w={320}>
        {open && (
          <RareFields
            search={search}
            apply={(change) => {
              set(change);
              popover.close();
            }}
          />
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function RareFields({ search, apply }: { search: JobSearch; apply: (change: Rare) => void }) {
  const { data: kappList } = useQuery(kapps);
  const [rare, setRare] = useState<Rare>(() => ({
    class: search.class,
    endpoint: search.endpoint,
    url: search.url,
    id: search.id,
    kapp: search.kapp,
    q: search.q,
  }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply(rare);
  };
  const text = (name: 'endpoint' | 'url' | 'id' | 'q', label: string, placeholder: string) => (
    <TextInput
      size="xs"
      label={label}
      placeholder={placeholder}
      value={rare[name] ?? ''}
      onChange={(event) => setRare({ ...rare, [name]: event.currentTarget.value || undefined })}
    />
  );
  return (
    <form onSubmit={submit}>
      <div className="kp-stack" style={{ gap: 10 }}>
        <Select
          size="xs"
          label="Why it failed"
          placeholder="Any reason"
          clearable
          comboboxProps={{ withinPortal: false }}
          data={CLASS_CHOICES}
          value={rare.class ?? null}
          onChange={(next) => setRare({ ...rare, class: next ?? undefined })}
        />
        <Select
          size="xs"
          label="Kapp"
          placeholder="Every kapp"
          clearable
          comboboxProps={{ withinPortal: false }}
          data={(kappList ?? []).map(({ slug, name }) => ({ value: slug, label: name }))}
          value={rare.kapp ?? null}
          onChange={(next) => setRare({ ...rare, kapp: next ?? undefined })}
        />
        {text('endpoint', 'Endpoint', 'https://hooks.example.com')}
        {text('url', 'URL contains', '/orders')}
        {text('q', 'Name or record contains', 'laptop')}
        {text('id', 'Id of the job', '01a2…')}
        <Button type="submit">Apply</Button>
      </div>
    </form>
  );
}
