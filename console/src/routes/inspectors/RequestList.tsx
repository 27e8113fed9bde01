// What arrived at an inspector, newest first.
import { IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import type { InspectedRequest } from '../../api/inspectors';
import { bytes } from '../../logic/text';
import { Waiting } from '../../parts/Page';
import { When } from '../../parts/When';

interface Props {
  rows: InspectedRequest[] | undefined;
  shown: string | undefined;
  show: (id: string) => void;
}

export function RequestList({ rows, shown, show }: Props) {
  if (!rows) return <Waiting rows={6} height={34} />;
  return (
    <ul className="kp-requests" aria-label="Requests">
      {rows.map((one) => (
        <li key={one.id}>
          <button type="button" aria-current={one.id === shown} onClick={() => show(one.id)}>
            <span className="kp-requests-line">
              <strong className="kp-mono">{one.method}</strong>
              <span className="kp-mono kp-clip">{subPath(one) || '/'}</span>
              {one.signature.ok ? (
                <IconShieldCheck size={15} color="var(--kp-good)" aria-label="Signature holds" />
              ) : (
                <IconShieldX
                  size={15}
                  color="var(--mantine-color-dimmed)"
                  aria-label="No valid signature"
                />
              )}
            </span>
            <span className="kp-dim" style={{ fontSize: 12 }}>
              <When at={one.at} /> · {bytes(one.size)}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** What follows the inspector's own address. */
const subPath = ({ path, query }: InspectedRequest): string =>
  path.replace(/^\/inspect\/[^/]+/, '') + (query ? `?${query}` : '');
