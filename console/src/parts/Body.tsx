// A payload: pretty with folding and search when it is JSON, raw otherwise; quick at a megabyte.
import { ActionIcon, SegmentedControl, TextInput } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconSearch } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState, type ReactNode } from 'react';
import { jsonLines, lineText, textLines, type Line } from '../logic/jsonLines';
import { bytes, parseJson } from '../logic/text';
import { CopyButton } from './Copy';
import { Lines } from './Lines';

const OPEN_DEPTH = 4;
const OPEN_SIZE = 100;

interface Props {
  /** The payload as text, or a value to be shown as JSON. */
  text?: string | null;
  value?: unknown;
  label: string;
  maxHeight?: number;
  actions?: ReactNode;
}

export function Body({ text, value, label, maxHeight, actions }: Props) {
  const source = useMemo(
    () => text ?? (value === undefined ? '' : JSON.stringify(value, null, 2)),
    [text, value],
  );
  const parsed = useMemo(() => (value !== undefined ? value : parseJson(text)), [text, value]);
  const structured = typeof parsed === 'object' && parsed !== null;
  const [mode, setMode] = useState<'pretty' | 'raw'>('pretty');
  const [search, setSearch] = useState('');
  const [at, setAt] = useState(0);
  const [flipped, setFlipped] = useState<ReadonlySet<string>>(new Set());
  const wanted = useDeferredValue(search.trim().toLowerCase());
  const pretty = structured && mode === 'pretty';

  const lines = useMemo(
    () => (pretty ? jsonLines(parsed, folds(flipped, wanted !== '')) : textLines(source)),
    [pretty, parsed, flipped, wanted, source],
  );
  const hits = useMemo(() => matches(lines, wanted), [lines, wanted]);
  const hitSet = useMemo(() => new Set(hits), [hits]);
  const current = hits.length ? hits[at % hits.length] : undefined;

  if (!source) return <p className="kp-dim">Empty.</p>;
  const step = (by: number) => setAt((now) => (now + by + hits.length) % Math.max(1, hits.length));
  return (
    <div>
      <div className="kp-toolbar" style={{ marginBottom: 8 }}>
        {structured && (
          <SegmentedControl
            size="xs"
            aria-label={`${label}: view`}
            value={mode}
            onChange={(next) => setMode(next as 'pretty' | 'raw')}
            data={[
              { value: 'pretty', label: 'Pretty' },
              { value: 'raw', label: 'Raw' },
            ]}
          />
        )}
        <Search
          label={label}
          value={search}
          count={wanted ? hits.length : undefined}
          change={(next) => {
            setSearch(next);
            setAt(0);
          }}
          step={step}
        />
        <span className="kp-dim" style={{ marginLeft: 'auto', fontSize: 12 }}>
          {bytes(new Blob([source]).size)}
        </span>
        {actions}
        <CopyButton label={`Copy ${label.toLowerCase()}`} text={() => source} />
      </div>
      <Lines
        lines={lines}
        label={label}
        maxHeight={maxHeight}
        hits={hitSet}
        current={current}
        toggle={(path) => setFlipped((now) => flip(now, path))}
      />
    </div>
  );
}

function folds(flipped: ReadonlySet<string>, searching: boolean) {
  return (path: string, depth: number, size: number) => {
    if (searching) return false;
    const closed = depth >= OPEN_DEPTH || (depth > 0 && size > OPEN_SIZE);
    return flipped.has(path) ? !closed : closed;
  };
}

function flip(now: ReadonlySet<string>, path: string): ReadonlySet<string> {
  const next = new Set(now);
  if (!next.delete(path)) next.add(path);
  return next;
}

function matches(lines: Line[], wanted: string): number[] {
  if (!wanted) return [];
  const out: number[] = [];
  lines.forEach((line, index) => {
    if (lineText(line).toLowerCase().includes(wanted)) out.push(index);
  });
  return out;
}

interface SearchProps {
  label: string;
  value: string;
  count?: number;
  change: (value: string) => void;
  step: (by: number) => void;
}

function Search({ label, value, count, change, step }: SearchProps) {
  return (
    <>
      <TextInput
        size="xs"
        w={170}
        placeholder="Search"
        aria-label={`Search in ${label.toLowerCase()}`}
        leftSection={<IconSearch size={13} />}
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && step(event.shiftKey ? -1 : 1)}
      />
      {count !== undefined && (
        <span className="kp-dim" style={{ fontSize: 12 }} aria-live="polite">
          {count} found
          <ActionIcon size="xs" ml={4} aria-label="Previous match" onClick={() => step(-1)}>
            <IconChevronUp size={13} />
          </ActionIcon>
          <ActionIcon size="xs" aria-label="Next match" onClick={() => step(1)}>
            <IconChevronDown size={13} />
          </ActionIcon>
        </span>
      )}
    </>
  );
}
