// The progress of a recovery as a bar.
import type { Recovery } from '../../api/recoveries';
import { Progress } from '../../parts/Progress';

export function RecoveryBar({
  recovery: { total, done, skipped, failed },
}: {
  recovery: Recovery;
}) {
  return (
    <Progress
      label="Progress"
      total={total}
      parts={[
        { kind: 'done', count: done },
        { kind: 'skipped', count: skipped },
        { kind: 'failed', count: failed },
      ]}
    />
  );
}
