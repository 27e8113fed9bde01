// The webhook editor: when, then, only if; with a live verdict beside it.
import { Alert, Button, Group, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { kapps } from '../../api/forms';
import {
  catalogue,
  webhook as webhookQuery,
  webhooks as webhooksQuery,
  type RequestOptions,
  type Scope,
} from '../../api/webhooks';
import type { Overrides } from '../../api/delivery';
import type { Webhook } from '../../api/types';
import { conventional, target, treePath, treeUrl } from '../../logic/target';
import { compact, whole } from '../../logic/webhookParts';
import { done, words } from '../../parts/notify';
import { Panel } from '../../parts/Page';
import { DeliverySection } from './DeliverySection';
import { RequestSection } from './RequestSection';
import { TargetPicker } from './TargetPicker';
import { VerdictPanel } from './VerdictPanel';

export interface Fields {
  scope: Scope;
  name: string;
  type: string;
  event: string;
  filter: string;
  url: string;
  enabled: boolean;
  delivery: Overrides;
  request: RequestOptions;
}

interface Props {
  initial: Partial<Webhook> & { scope: Scope };
  save: (scope: Scope, body: Partial<Webhook>) => Promise<Webhook>;
  saved: (webhook: Webhook) => void;
}

function start(initial: Props['initial']): Fields {
  const { scope, name, type, event, filter, url, enabled, delivery, request } = initial;
  const fallback = scope === null ? 'User' : 'Submission';
  const fields = {
    scope,
    name: name ?? '',
    type: type ?? fallback,
    event: event ?? 'Created',
    filter: filter ?? '',
    url: url ?? '',
    enabled: enabled ?? true,
    delivery: delivery ?? {},
    request: request ?? {},
  };
  return url ? fields : { ...fields, url: treeUrl(conventional(fields.type, fields.event)) };
}

export function Editor({ initial, save, saved }: Props) {
  const existing = initial.name !== undefined;
  const [fields, setFields] = useState(() => start(initial));
  // What nobody opened is not sent, so that secrets stay where they are.
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const client = useQueryClient();
  const store = useMutation({
    mutationFn: () => {
      const { scope, name, delivery, request, ...rest } = fields;
      return save(scope, {
        ...rest,
        name: name.trim() || proposedName(fields),
        ...(touched.has('delivery') && { delivery: compact(delivery) }),
        ...(touched.has('request') && { request: whole(request) }),
      });
    },
    onSuccess: (webhook) => {
      done(`Webhook ${webhook.name} saved`);
      // Only the list: the page of a former name must not be asked for again.
      void client.invalidateQueries({ queryKey: webhooksQuery(fields.scope).queryKey });
      client.setQueryData(webhookQuery(fields.scope, webhook.name).queryKey, webhook);
      saved(webhook);
    },
  });
  const set = (change: Partial<Fields>) => {
    store.reset();
    setFields((now) => ({ ...now, ...followed(now, change) }));
    setTouched((now) => new Set([...now, ...Object.keys(change)]));
  };
  const external = fields.url !== '' && target(fields.url).kind === 'url';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    store.mutate();
  };
  return (
    <div className="kp-cols kp-cols-even">
      <form onSubmit={submit} aria-label="Webhook">
        <div className="kp-stack">
          <Panel title="When">
            <When fields={fields} set={set} fixed={existing} />
          </Panel>
          <Panel title="Then">
            <TargetPicker fields={fields} set={set} />
          </Panel>
          <Panel title="Only if">
            <Filter fields={fields} set={set} />
          </Panel>
          <Panel title="Name and state">
            <div className="kp-stack">
              <TextInput
                label="Name"
                description="Unique in its level; jobs carry it."
                placeholder={proposedName(fields)}
                value={fields.name}
                onChange={(event) => set({ name: event.currentTarget.value })}
              />
              <Switch
                label="Active"
                description="A webhook that is switched off lets events pass."
                checked={fields.enabled}
                onChange={(event) => set({ enabled: event.currentTarget.checked })}
              />
            </div>
          </Panel>
          {external && (
            <RequestSection
              value={fields.request}
              set={(change) => set({ request: { ...fields.request, ...change } })}
            />
          )}
          {external && (
            <DeliverySection
              value={fields.delivery}
              set={(change) => set({ delivery: { ...fields.delivery, ...change } })}
            />
          )}
          {store.isError && (
            <Alert color="red" variant="light" title="It was not saved" role="alert">
              <span style={{ whiteSpace: 'pre-wrap' }}>{words(store.error)}</span>
            </Alert>
          )}
          <Group>
            <Button type="submit" size="sm" loading={store.isPending}>
              {existing ? 'Save' : 'Create webhook'}
            </Button>
          </Group>
        </div>
      </form>
      <div className="kp-beside">
        <VerdictPanel fields={fields} />
      </div>
    </div>
  );
}

const proposedName = (fields: Fields) => `${fields.type} ${fields.event}`;

/** A change of type or event takes the conventional target along, unless another was chosen. */
function followed(now: Fields, change: Partial<Fields>): Partial<Fields> {
  if (change.type === undefined && change.event === undefined) return change;
  const before = treeUrl(conventional(now.type, now.event));
  const path = treePath(now.url);
  if (now.url !== before && path) return change;
  if (now.url !== '' && !path) return change;
  return {
    ...change,
    url: treeUrl(conventional(change.type ?? now.type, change.event ?? now.event)),
  };
}

interface PartProps {
  fields: Fields;
  set: (change: Partial<Fields>) => void;
}

const SPACE = '\u0000space';

function When({ fields, set, fixed }: PartProps & { fixed: boolean }) {
  const { data: kappList } = useQuery(kapps);
  const { data: events } = useQuery(catalogue(fields.scope === null ? 'space' : 'kapp'));
  const types = Object.keys(events ?? { [fields.type]: [] });
  return (
    <div
      style={{
        display: 'grid',
        gap: 12,
        gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))',
      }}
    >
      <Select
        label="Level"
        allowDeselect={false}
        disabled={fixed}
        data={[
          { value: SPACE, label: 'Space' },
          ...(kappList ?? []).map(({ slug, name }) => ({ value: slug, label: `Kapp ${name}` })),
        ]}
        value={fields.scope ?? SPACE}
        onChange={(level) => {
          const scope = level === SPACE ? null : level;
          const type = scope === null ? 'User' : 'Submission';
          set(
            scope === null || fields.scope === null ? { scope, type, event: 'Created' } : { scope },
          );
        }}
      />
      <Select
        label="Type"
        allowDeselect={false}
        data={types}
        value={fields.type}
        onChange={(type) => {
          if (!type) return;
          const known = events?.[type] ?? [];
          set({ type, event: known.includes(fields.event) ? fields.event : (known[0] ?? '') });
        }}
      />
      <Select
        label="Event"
        allowDeselect={false}
        data={events?.[fields.type] ?? [fields.event]}
        value={fields.event}
        onChange={(event) => event && set({ event })}
      />
    </div>
  );
}

const EXAMPLES: Record<string, string[]> = {
  Submission: ["values('Status') == 'Open'", "submission('coreState') == 'Submitted'"],
  'Datastore Submission': ["values('Status') == 'Active'"],
  Form: ["form('slug') == 'laptop'"],
  User: ["user('spaceAdmin')", "user('email').endsWith('@example.com')"],
  Team: ["team('name').startsWith('Role::')"],
};

function Filter({ fields, set }: PartProps) {
  const examples = EXAMPLES[fields.type] ?? [];
  return (
    <>
      <Textarea
        label="Filter"
        description="A JavaScript expression. Empty means always."
        autosize
        minRows={2}
        maxRows={10}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--kp-mono)', fontSize: 12.5 } }}
        value={fields.filter}
        onChange={(event) => set({ filter: event.currentTarget.value })}
      />
      {examples.length > 0 && !fields.filter && (
        <p className="kp-dim" style={{ fontSize: 12.5, margin: '8px 0 0' }}>
          For example{' '}
          {examples.map((example, index) => (
            <span key={example}>
              {index > 0 && ' or '}
              <button
                type="button"
                className="kp-id"
                style={{ margin: 0, cursor: 'pointer' }}
                onClick={() => set({ filter: example })}
              >
                {example}
              </button>
            </span>
          ))}
        </p>
      )}
    </>
  );
}
