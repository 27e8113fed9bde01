// Endpoints that hold jobs back, if there are any: why, and until when.
import { useQuery } from '@tanstack/react-query';
import { heldLanes } from '../../api/lanes';
import { laneReason, laneState } from '../../logic/lanes';
import { plural } from '../../logic/text';
import { Panel } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import classes from './Home.module.css';

const MOST = 5;

export function Held() {
  const { data } = useQuery(heldLanes);
  if (!data?.length) return null;
  return (
    <Panel
      title="Endpoints that hold jobs back"
      actions={
        <To to="/console/lanes" strong style={{ fontSize: 13 }}>
          All lanes
        </To>
      }
    >
      <ul className={classes.list}>
        {data.slice(0, MOST).map((lane) => (
          <li key={lane.id}>
            <To to="/console/lanes" search={{ q: lane.endpoint }} strong>
              {lane.endpoint}
            </To>
            <Status of={laneState(lane.state)} />
            <div className="kp-dim">
              {[lane.webhook, laneReason(lane), `${plural(lane.waiting, 'job')} waiting`]
                .filter(Boolean)
                .join(' · ')}
            </div>
          </li>
        ))}
        {data.length > MOST && <li className="kp-dim">and {data.length - MOST} more</li>}
      </ul>
    </Panel>
  );
}
