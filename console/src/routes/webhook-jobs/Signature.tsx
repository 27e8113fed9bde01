// Whether the signatures of a request hold, by the keys that are known now.
import type { Attempt } from '../../api/types';
import { ShortId } from '../../parts/Copy';
import { Status } from '../../parts/Status';

export function Signature({ attempt }: { attempt: Attempt }) {
  const check = attempt.signature;
  if (!check) return null;
  if (check.checked.length === 0)
    return <p className="kp-small kp-dim">{check.reason ?? 'The request carries no signature.'}</p>;
  return (
    <div role="group" aria-label="Signature check" className="kp-small">
      <Status
        of={
          check.ok
            ? { word: 'Signature holds', tone: 'good' }
            : { word: 'Signature does not hold', tone: 'bad' }
        }
      />
      {check.reason && <span className="kp-dim"> {check.reason}</span>}
      <ul className="kp-plain" style={{ marginTop: 6 }}>
        {check.checked.map((one) => (
          <li key={one.signature}>
            <code className="kp-tag">{one.kind}</code>{' '}
            {one.ok ? 'by the key ' : 'by no key that is known'}
            {one.keyId && <ShortId id={one.keyId} label="key id" />}
            {one.keyState && one.keyState !== 'active' && ` (${one.keyState})`}
          </li>
        ))}
      </ul>
    </div>
  );
}
