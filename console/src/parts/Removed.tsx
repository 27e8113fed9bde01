// In the place of what retention removed: the row stays, what it carried is gone.
import { To } from './To';
import { When } from './When';

export function Removed({ at }: { at: string | null | undefined }) {
  if (!at) return null;
  return (
    <p className="kp-dim" style={{ margin: 0 }}>
      Removed by retention <When at={at} />. How long contents are kept is said in the{' '}
      <To to="/console/settings" search={{ tab: 'retention' }} strong>
        settings
      </To>
      .
    </p>
  );
}
