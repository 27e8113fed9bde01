// One request as it arrived: headers, body, where from, and whether its signature holds.
import { useQuery } from '@tanstack/react-query';
import { request as requestQuery, type InspectedRequest } from '../../api/inspectors';
import { bytes } from '../../logic/text';
import { Body } from '../../parts/Body';
import { HeaderList } from '../../parts/Headers';
import { Facts, Panel } from '../../parts/Page';
import { Status } from '../../parts/Status';
import { To } from '../../parts/To';
import { When } from '../../parts/When';

interface Props {
  inspector: string;
  /** The request as the list knows it: a long body is cut there. */
  listed: InspectedRequest;
}

export function RequestView({ inspector, listed }: Props) {
  const whole = useQuery({ ...requestQuery(inspector, listed.id), enabled: listed.bodyCut });
  const one = whole.data ?? listed;
  return (
    <div className="kp-stack">
      <Panel
        title={
          <>
            {one.method}{' '}
            <span className="kp-mono">{one.path + (one.query && `?${one.query}`)}</span>
          </>
        }
        label="Request"
      >
        <div className="kp-stack">
          <Facts
            rows={[
              ['Arrived', <When at={one.at} />],
              ['From', <span className="kp-mono">{one.address}</span>],
              ['Size', bytes(one.size)],
              [
                'Signature',
                <>
                  <Status
                    of={
                      one.signature.ok
                        ? { word: 'Holds', tone: 'good' }
                        : { word: 'Does not hold', tone: 'off' }
                    }
                  />{' '}
                  <span className="kp-dim">{one.signature.reason}</span>
                </>,
              ],
              [
                'Job',
                one.jobId && (
                  <To to="/console/jobs/$id" params={{ id: one.jobId }} strong>
                    The job that sent it
                  </To>
                ),
              ],
            ]}
          />
          <HeaderList label="Request headers" of={one.headers} open />
          {one.bodyBase64 ? (
            <>
              <p className="kp-small kp-dim">The body is not text; it is shown in base64.</p>
              <Body label="Request body" text={one.bodyBase64} />
            </>
          ) : (
            <Body label="Request body" text={one.body} />
          )}
          {one.bodyCut && !whole.isFetching && (
            <p className="kp-small kp-dim">Only the beginning of the body was kept.</p>
          )}
        </div>
      </Panel>
    </div>
  );
}
