// A time: relative, kept true while it is looked at, exact on hover and focus.
import { Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { clock, duration, exact, freshness, relative, utc } from '../logic/time';

export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

interface Props {
  at: string | null | undefined;
  /** Shows the clock instead of the distance. */
  clocked?: boolean;
}

export function When({ at, clocked }: Props) {
  const [every, setEvery] = useState(1000);
  const now = useNow(every);
  const wanted = freshness(at, now);
  useEffect(() => setEvery(wanted), [wanted]);
  if (!at) return <span className="kp-dim">–</span>;
  return (
    <Tooltip label={`${exact(at)}\n${utc(at)}`} style={{ whiteSpace: 'pre' }}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {clocked ? clock(at) : relative(at, now)}
      </time>
    </Tooltip>
  );
}

/** How long something has lasted so far, kept true while it is looked at. */
export function Lasting({ since }: { since: string }) {
  const now = useNow(1000);
  const ms = Math.max(0, now - Date.parse(since));
  return (
    <Tooltip label={`Since ${exact(since)}\n${utc(since)}`} style={{ whiteSpace: 'pre' }}>
      <time dateTime={since} style={{ whiteSpace: 'nowrap' }}>
        {duration(ms)}
      </time>
    </Tooltip>
  );
}
