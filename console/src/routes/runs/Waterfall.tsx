// The waterfall of a run: when each node ran and for how long, with iterations folded by index.
import { IconChevronRight } from '@tabler/icons-react';
import { useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { RunView } from '../../api/types';
import { stateOf } from '../../logic/states';
import { plural } from '../../logic/text';
import { duration, exact } from '../../logic/time';
import {
  barsOf,
  openAtFirst,
  rowsOf,
  shareOf,
  spanOf,
  type Bar,
  type Row,
  type Span,
} from '../../logic/waterfall';
import { Panel } from '../../parts/Page';
import { ToneIcon } from '../../parts/Status';
import { useNow } from '../../parts/When';
import './runs.css';

/** Rows drawn at once; a loop of thousands is unfolded in steps. */
const ROWS_STEP = 200;

/** Below, quarters round to the same millisecond. */
const TICKS_FROM_MS = 4;

interface Props {
  view: RunView | undefined;
  selected: string | undefined;
  select: (nodeId: string, taskId: string) => void;
}

export function Waterfall({ view, selected, select }: Props) {
  const bars = useMemo(() => barsOf(view), [view]);
  const now = useNow(1000);
  const [flipped, setFlipped] = useState<ReadonlySet<string>>(new Set());
  const [limit, setLimit] = useState(ROWS_STEP);
  const list = useRef<HTMLUListElement>(null);
  const open = useMemo(() => {
    const keys = new Set(openAtFirst(bars));
    for (const key of flipped) if (!keys.delete(key)) keys.add(key);
    return keys;
  }, [bars, flipped]);
  const flip = (key: string) =>
    setFlipped((before) => {
      const next = new Set(before);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  const rows = rowsOf(bars, open);
  const span = spanOf(bars, now);
  if (!span)
    return (
      <Panel>
        <span className="kp-dim">No node has been executed yet.</span>
      </Panel>
    );
  return (
    <Panel flush label="Waterfall">
      <div className="kp-fall">
        <Scale span={span} />
        <ul ref={list} onKeyDown={(event) => walk(event, list.current)}>
          {rows.slice(0, limit).map((row, index) => (
            <Line
              key={row.bar.key}
              first={index === 0}
              {...{ row, span, now }}
              open={open.has(row.bar.key)}
              selected={row.bar.nodeId !== undefined && row.bar.nodeId === selected}
              act={() =>
                row.bar.kind === 'iteration'
                  ? flip(row.bar.key)
                  : select(row.bar.nodeId!, String(row.bar.task!.id))
              }
            />
          ))}
        </ul>
        {rows.length > limit && (
          <button
            type="button"
            className="kp-fall-more"
            onClick={() => setLimit(limit + ROWS_STEP)}
          >
            {plural(rows.length - limit, 'more row')}: show {ROWS_STEP} of them
          </button>
        )}
      </div>
    </Panel>
  );
}

/** Arrow keys walk the bars; right and left unfold and fold an iteration. */
function walk(event: KeyboardEvent, list: HTMLUListElement | null): void {
  const buttons = [...(list?.querySelectorAll<HTMLButtonElement>('button') ?? [])];
  const at = buttons.findIndex((button) => button === document.activeElement);
  if (at < 0) return;
  const expanded = buttons[at]!.getAttribute('aria-expanded');
  const step: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: buttons.length - 1,
  };
  if (event.key in step) buttons[step[event.key]!]?.focus();
  else if (event.key === 'ArrowRight' && expanded === 'false') buttons[at]!.click();
  else if (event.key === 'ArrowLeft' && expanded === 'true') buttons[at]!.click();
  else return;
  event.preventDefault();
}

function Scale({ span }: { span: Span }) {
  const whole = span.to - span.from;
  const shares = whole < TICKS_FROM_MS ? [0] : [0, 0.25, 0.5, 0.75];
  return (
    <div className="kp-fall-row kp-fall-scale" aria-hidden>
      <span />
      <span className="kp-fall-track">
        {shares.map((share) => (
          <span key={share} style={{ left: `${share * 100}%` }}>
            {share === 0 ? '0' : duration(whole * share)}
          </span>
        ))}
      </span>
      <span className="kp-num">{duration(whole)}</span>
    </div>
  );
}

interface LineProps {
  row: Row;
  span: Span;
  now: number;
  open: boolean;
  first: boolean;
  selected: boolean;
  act: () => void;
}

function Line({ row: { bar, depth }, span, now, open, first, selected, act }: LineProps) {
  const { left, width } = shareOf(bar, span, now);
  const { word, tone } = stateOf(bar.state);
  const folds = bar.kind === 'iteration';
  const [name, which] = folds ? bar.label.split(/ · (?=iteration \d+$)/) : [bar.label];
  return (
    <li>
      <button
        type="button"
        className="kp-fall-row"
        tabIndex={first ? 0 : -1}
        data-selected={selected}
        aria-expanded={folds ? open : undefined}
        aria-label={spoken(bar, span, now)}
        title={`${word} · began ${exact(new Date(bar.start).toISOString())}`}
        onClick={act}
      >
        <span className="kp-fall-name" style={{ paddingLeft: depth * 16 }}>
          {folds ? (
            <IconChevronRight size={14} aria-hidden data-open={open} />
          ) : (
            <span className="kp-fall-indent" />
          )}
          <span className="kp-status" data-tone={tone}>
            <ToneIcon tone={tone} size={14} />
          </span>
          <span className="kp-clip">{name}</span>
          {which && <span className="kp-fall-which">· {which}</span>}
          {folds && <span className="kp-dim kp-clip">{plural(bar.inside.length, 'step')}</span>}
        </span>
        <span className="kp-fall-track">
          <span
            className="kp-fall-bar"
            data-state={bar.state}
            data-folded={folds}
            data-open={bar.end === undefined}
            style={{ left: `${left * 100}%`, width: `max(3px, ${width * 100}%)` }}
          />
          {bar.attempts.map((at) => (
            <span
              key={at}
              className="kp-fall-attempt"
              style={{ left: `${shareOf({ start: at, end: at }, span, now).left * 100}%` }}
            />
          ))}
        </span>
        <span className="kp-num">{duration((bar.end ?? now) - bar.start)}</span>
      </button>
    </li>
  );
}

function spoken(bar: Bar, span: Span, now: number): string {
  const took = duration((bar.end ?? now) - bar.start);
  return [
    bar.label,
    stateOf(bar.state).word,
    `began after ${duration(bar.start - span.from)}`,
    bar.end === undefined ? `open for ${took}` : `took ${took}`,
    ...(bar.attempts.length ? [plural(bar.attempts.length, 'failed attempt')] : []),
  ].join(', ');
}
