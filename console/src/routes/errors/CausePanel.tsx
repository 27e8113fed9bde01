// One cause: how often, since when and where, and its errors, to be resolved all or as selected.
import { Button } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import type { Resolution } from '../../api/errors';
import type { Cause } from '../../logic/errors';
import { plural } from '../../logic/text';
import { Panel } from '../../parts/Page';
import { To } from '../../parts/To';
import { When } from '../../parts/When';
import { ErrorRows } from './ErrorRows';
import { ResolveMany } from './ResolveMany';

/** Trees named in the head of a cause. */
const TREES_SHOWN = 3;

interface Props {
  cause: Cause;
  opened: boolean;
  toggle: (open: boolean) => void;
  begun: (resolution: Resolution) => void;
}

export function CausePanel({ cause, opened, toggle, begun }: Props) {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const filter = { type: cause.type, summary: cause.summary };
  const some = opened && picked.size > 0;
  const count = some ? picked.size : cause.count;
  const Sign = opened ? IconChevronDown : IconChevronRight;
  return (
    <Panel
      flush
      label={cause.summary}
      title={
        <button
          type="button"
          className="kp-cause"
          aria-expanded={opened}
          onClick={() => toggle(!opened)}
        >
          <Sign size={15} aria-hidden />
          <span style={{ minWidth: 0 }}>
            {cause.summary}
            <span className="kp-cause-facts">
              {cause.type} · {plural(cause.count, 'time')} ·{' '}
              {cause.count > 1 ? (
                <>
                  first <When at={cause.firstAt} />, last <When at={cause.lastAt} />
                </>
              ) : (
                <When at={cause.lastAt} />
              )}
            </span>
          </span>
        </button>
      }
      actions={
        <Button size="compact-sm" onClick={() => setAsking(true)}>
          {some ? `Resolve ${count} selected…` : count === 1 ? 'Resolve…' : `Resolve all ${count}…`}
        </Button>
      }
    >
      <Trees cause={cause} />
      {opened && (
        <ErrorRows status="Active" filter={filter} picked={picked} setPicked={setPicked} />
      )}
      {asking && (
        <ResolveMany
          which={some ? { filter, ids: [...picked].map(Number) } : { filter }}
          count={count}
          type={cause.type}
          offered={cause.actions}
          begun={(resolution) => {
            setAsking(false);
            setPicked(new Set());
            begun(resolution);
          }}
          close={() => setAsking(false)}
        />
      )}
    </Panel>
  );
}

function Trees({ cause }: { cause: Cause }) {
  const titles = [...new Set(cause.groups.map((group) => group.tree))];
  return (
    <div className="kp-cause-trees">
      <span className="kp-dim">In</span>
      {titles.slice(0, TREES_SHOWN).map((title) => (
        <To key={title} to="/console/trees/$title" params={{ title }} search={{}}>
          {title}
        </To>
      ))}
      {titles.length > TREES_SHOWN && (
        <span className="kp-dim">and {plural(titles.length - TREES_SHOWN, 'other tree')}</span>
      )}
    </div>
  );
}
