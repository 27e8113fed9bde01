// A window on many lines: only those in view are drawn, so that a megabyte scrolls like a page.
import { useEffect, useRef, useState } from 'react';
import type { Line } from '../logic/jsonLines';

const ROW = 20;
const MARGIN = 30;

interface Props {
  lines: Line[];
  maxHeight?: number;
  label: string;
  hits?: Set<number>;
  current?: number;
  toggle?: (path: string) => void;
}

export function Lines({ lines, maxHeight = 420, label, hits, current, toggle }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useEffect(() => {
    if (current === undefined || !box.current) return;
    box.current.scrollTop = Math.max(0, current * ROW - maxHeight / 2);
  }, [current, maxHeight]);
  const first = Math.max(0, Math.floor(top / ROW) - MARGIN);
  const last = Math.min(lines.length, Math.ceil((top + maxHeight) / ROW) + MARGIN);
  return (
    <div
      ref={box}
      className="kp-lines"
      role="region"
      aria-label={label}
      tabIndex={0}
      style={{ maxHeight, height: lines.length * ROW + 18 }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div style={{ height: lines.length * ROW + 16, position: 'relative' }}>
        {lines.slice(first, last).map((line, offset) => (
          <Row
            key={first + offset}
            line={line}
            index={first + offset}
            hit={hits?.has(first + offset) ?? false}
            current={current === first + offset}
            toggle={toggle}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  line: Line;
  index: number;
  hit: boolean;
  current: boolean;
  toggle?: (path: string) => void;
}

function Row({ line, index, hit, current, toggle }: RowProps) {
  const indent = 22 + line.depth * 16;
  return (
    <div
      className="kp-lines-row"
      data-hit={hit}
      data-current={current}
      style={{ top: index * ROW + 8, paddingLeft: indent }}
    >
      {line.fold && toggle && (
        <button
          type="button"
          className="kp-fold"
          style={{ left: indent - 18 }}
          aria-expanded={!line.folded}
          aria-label={line.folded ? 'Unfold' : 'Fold'}
          onClick={() => toggle(line.fold!)}
        >
          {line.folded ? '▶' : '▼'}
        </button>
      )}
      {line.tokens.map((token, at) => (
        <span key={at} className={`kp-t-${token.kind}`}>
          {token.text}
        </span>
      ))}
    </div>
  );
}
