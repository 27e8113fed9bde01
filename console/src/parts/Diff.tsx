// Two texts against each other: what went in red with a minus, what came in green with a plus.
import { Fragment, useMemo } from 'react';
import { around, diff, differs, type DiffLine } from '../logic/diff';
import { plural } from '../logic/text';

const SIGN = { same: ' ', gone: '−', new: '+' };
const SAID = { same: undefined, gone: 'removed', new: 'added' };

interface Props {
  label: string;
  before: string;
  after: string;
}

export function Diff({ label, before, after }: Props) {
  const all = useMemo(() => diff(before, after), [before, after]);
  const parts = useMemo(() => around(all), [all]);
  return (
    <section aria-label={label}>
      <h3 style={{ marginBottom: 6, fontSize: '0.8125rem' }}>{label}</h3>
      {all.length === 0 ? (
        <p className="kp-dim kp-small">Empty in both.</p>
      ) : !differs(all) ? (
        <p className="kp-dim kp-small">The same in both: {plural(all.length, 'line')}.</p>
      ) : (
        <div className="kp-diff" tabIndex={0} role="region" aria-label={`Changes of ${label}`}>
          {parts.map((part, index) =>
            'skipped' in part ? (
              <div key={index} className="kp-diff-skip">
                {plural(part.skipped, 'unchanged line')}
              </div>
            ) : (
              <Fragment key={index}>
                {part.lines.map((line, at) => (
                  <Row key={at} line={line} />
                ))}
              </Fragment>
            ),
          )}
        </div>
      )}
    </section>
  );
}

function Row({ line }: { line: DiffLine }) {
  return (
    <div className="kp-diff-row" data-kind={line.kind}>
      <span aria-label={SAID[line.kind]} role={SAID[line.kind] && 'img'}>
        {SIGN[line.kind]}
      </span>
      {line.text}
    </div>
  );
}
