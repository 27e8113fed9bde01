// Whether a connection has everything it needs, as icon and words.
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import type { Connection } from '../../api/connections';

export function Readiness({ of }: { of: Connection }) {
  const { healthy, events } = of.status;
  const Sign = healthy ? IconCircleCheck : IconAlertTriangle;
  return (
    <span style={{ display: 'inline-flex', gap: 6, alignItems: 'center' }}>
      <Sign size={15} color={`var(${healthy ? '--kp-good' : '--kp-warn'})`} aria-hidden />
      {healthy ? 'Ready' : events[0]?.message}
    </span>
  );
}
