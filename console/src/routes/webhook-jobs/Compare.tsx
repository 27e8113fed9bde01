// Two attempts of a job against each other: what was different the time it worked?
import { Group, Select } from '@mantine/core';
import { useState } from 'react';
import type { Attempt, WebhookJob } from '../../api/types';
import { headerPairs } from '../../logic/curl';
import { parseJson } from '../../logic/text';
import { duration } from '../../logic/time';
import { Diff } from '../../parts/Diff';
import { Panel } from '../../parts/Page';

interface Props {
  job: WebhookJob;
  attempts: Attempt[];
  shown: Attempt;
}

export function Compare({ job, attempts, shown }: Props) {
  const last = attempts.at(-1) === shown ? attempts.at(-2) : attempts.at(-1);
  const [other, setOther] = useState(last?.number);
  const before = attempts.find((one) => one.number === other && one !== shown) ?? last ?? shown;
  const [a, b] = before.number < shown.number ? [before, shown] : [shown, before];
  const choices = attempts
    .filter((one) => one !== shown)
    .map((one) => ({ value: String(one.number), label: `Attempt ${one.number}: ${ended(one)}` }));
  return (
    <Panel
      title={`Attempt ${a.number} against attempt ${b.number}`}
      actions={
        <Group gap="xs">
          <Select
            size="xs"
            w={220}
            aria-label="Compare with"
            allowDeselect={false}
            data={choices}
            value={String(before.number)}
            onChange={(next) => setOther(Number(next))}
          />
        </Group>
      }
    >
      <div className="kp-stack">
        <Diff label="Outcome" before={outcome(a)} after={outcome(b)} />
        <Diff
          label="Request headers"
          before={headers(a, 'request')}
          after={headers(b, 'request')}
        />
        <Diff
          label="Request body"
          before={pretty(a.requestBody ?? job.requestContent)}
          after={pretty(b.requestBody ?? job.requestContent)}
        />
        <Diff
          label="Response headers"
          before={headers(a, 'response')}
          after={headers(b, 'response')}
        />
        <Diff
          label="Response body"
          before={pretty(a.responseBody)}
          after={pretty(b.responseBody)}
        />
      </div>
    </Panel>
  );
}

const ended = (one: Attempt): string =>
  one.responseStatus ? String(one.responseStatus) : (one.errorClass ?? 'no answer');

const outcome = (one: Attempt): string =>
  [
    `answer: ${ended(one)}`,
    `address: ${one.address ?? 'none'}`,
    `took: ${duration(one.durationMs)}`,
    one.errorClass && `error class: ${one.errorClass}`,
    one.error && `error: ${one.error}`,
  ]
    .filter(Boolean)
    .join('\n');

const headers = (one: Attempt, side: 'request' | 'response'): string =>
  headerPairs(side === 'request' ? one.requestHeaders : one.responseHeaders)
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    .sort()
    .join('\n');

const pretty = (text: string | null | undefined): string => {
  const value = parseJson(text);
  return value === undefined ? (text ?? '') : JSON.stringify(value, null, 2);
};
