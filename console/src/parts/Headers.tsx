// Headers of a request or an answer: folded away, with a button to copy them.
import { headerPairs } from '../logic/curl';
import { plural } from '../logic/text';
import type { Headers_ } from '../api/types';
import { CopyButton } from './Copy';
import { Facts } from './Page';

interface Props {
  of: Headers_ | null | undefined;
  label: string;
  open?: boolean;
}

export function HeaderList({ of, label, open }: Props) {
  const headers = headerPairs(of);
  if (headers.length === 0) return null;
  return (
    <details open={open} aria-label={label}>
      <summary style={{ cursor: 'pointer', fontSize: 13 }}>
        {plural(headers.length, 'header')}
      </summary>
      <div style={{ float: 'right' }}>
        <CopyButton
          label={`Copy ${label.toLowerCase()}`}
          text={() => headers.map(([name, value]) => `${name}: ${value}`).join('\n')}
        />
      </div>
      <div style={{ marginTop: 8 }} className="kp-mono">
        <Facts
          rows={headers.map(([name, value], index) => [unique(headers, name, index), value])}
        />
      </div>
    </details>
  );
}

/** A name for the row; a header that repeats gets its number. */
const unique = (headers: [string, string][], name: string, index: number) =>
  headers.findIndex(([other]) => other === name) === index ? name : `${name} (${index + 1})`;
