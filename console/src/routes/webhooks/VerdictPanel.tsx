// What the webhook as it stands would do with an event that really happened.
import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { newestEvents } from '../../api/events';
import { ApiError } from '../../api/http';
import { trees as treesQuery, titleOf } from '../../api/trees';
import { test } from '../../api/webhooks';
import type { FilterTest } from '../../api/types';
import { target } from '../../logic/target';
import { inline } from '../../logic/text';
import { exact, relative } from '../../logic/time';
import { Body } from '../../parts/Body';
import { HeaderList } from '../../parts/Headers';
import { Facts, Panel, Waiting } from '../../parts/Page';
import { words } from '../../parts/notify';
import { Status } from '../../parts/Status';
import type { Fields } from './Editor';

const SETTLE_MS = 300;

export function VerdictPanel({ fields }: { fields: Fields }) {
  const [picked, setPicked] = useState<string | null>(null);
  const { scope, type, event, filter, url } = fields;
  const recorded = useQuery(newestEvents({ type, event, kapp: scope ?? undefined }, 20));
  const eventId = recorded.data?.some((one) => one.id === picked) ? picked! : undefined;
  const [draft] = useDebouncedValue(
    { kappSlug: scope ?? undefined, type, event, filter, url: url || undefined, eventId },
    SETTLE_MS,
  );
  const verdict = useQuery({ ...test(draft), placeholderData: keepPreviousData });
  return (
    <Panel title="Will this do what I mean?" label="Verdict">
      <div className="kp-stack">
        {recorded.data && recorded.data.length > 0 && (
          <Select
            size="xs"
            label="Judged against"
            allowDeselect={false}
            data={recorded.data.map((one, index) => ({
              value: one.id,
              label: `${one.label || one.entityKey || one.id.slice(-8)} · ${
                index === 0 ? 'latest, ' : ''
              }${relative(one.createdAt, Date.now())}`,
            }))}
            value={eventId ?? recorded.data[0]!.id}
            onChange={setPicked}
            title={exact(recorded.data[0]!.createdAt)}
          />
        )}
        <div aria-live="polite">
          <Outcome result={verdict.data} error={verdict.error} fields={fields} />
        </div>
      </div>
    </Panel>
  );
}

interface OutcomeProps {
  result: FilterTest | undefined;
  error: unknown;
  fields: Fields;
}

function Outcome({ result, error, fields }: OutcomeProps) {
  if (error instanceof ApiError && error.status === 404)
    return (
      <p className="kp-dim" style={{ margin: 0, fontSize: 13.5 }}>
        No {fields.type} {fields.event} has been recorded yet, so there is nothing to judge against.
        Make one happen, then come back.
      </p>
    );
  if (error)
    return (
      <div>
        <Status of={{ word: 'It cannot be judged', tone: 'bad' }} />
        <pre className="kp-code" style={{ marginTop: 8 }}>
          {words(error)}
        </pre>
      </div>
    );
  if (!result) return <Waiting rows={3} />;
  return (
    <div className="kp-stack">
      <Sentence result={result} />
      {result.message && <pre className="kp-code">{result.message}</pre>}
      <Facts
        rows={[
          [
            'Filter gave',
            result.value === undefined || result.value === null ? undefined : (
              <code className="kp-tag">{inline(result.value) || String(result.value)}</code>
            ),
          ],
          ['Would go to', result.url && <Destination url={result.url} />],
        ]}
      />
      {result.request ? (
        <div>
          <div className="kp-label">What would be sent</div>
          <div className="kp-stack" style={{ gap: 8 }}>
            <HeaderList label="Headers" of={result.request.headers} />
            <Body label="Body" text={result.request.body} maxHeight={360} />
          </div>
        </div>
      ) : null}
      {!result.request && result.payload !== undefined && result.payload !== null && (
        <details>
          <summary style={{ cursor: 'pointer', fontSize: 13.5 }}>What would be sent</summary>
          <div style={{ marginTop: 10 }}>
            <Body label="Payload" value={result.payload} maxHeight={360} />
          </div>
        </details>
      )}
    </div>
  );
}

function Sentence({ result }: { result: FilterTest }) {
  const says = {
    fired: { word: 'It would fire', tone: 'good' },
    not_matched: { word: 'It would not fire: the filter is false', tone: 'off' },
    filter_error: { word: 'The filter fails', tone: 'bad' },
    url_error: { word: 'The address cannot be worked out', tone: 'bad' },
    disabled: { word: 'It is switched off', tone: 'off' },
    depth_limit: { word: 'Stopped: too deep in a chain of events', tone: 'bad' },
  } as const;
  return <Status of={says[result.verdict] ?? result.verdict} pill />;
}

/** The address as it came out, and whether a tree stands there. */
function Destination({ url }: { url: string }) {
  const { data } = useQuery(treesQuery);
  const where = target(url);
  if (where.kind !== 'tree') return <span className="kp-mono">{url}</span>;
  const exists = data?.some((tree) => titleOf(tree) === where.title);
  return (
    <>
      {where.title}{' '}
      {data && (
        <div style={{ marginTop: 4 }}>
          <Status
            of={
              exists
                ? { word: 'The tree exists', tone: 'good' }
                : { word: 'No tree there yet: the job will fail', tone: 'warn' }
            }
          />
        </div>
      )}
    </>
  );
}
