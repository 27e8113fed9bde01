// A time: relative, kept true while it is looked at, exact on hover and focus.
import { Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { exact, freshness, relative } from '../logic/time';

export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export function When({ at }: { at: string | null | undefined }) {
  const [every, setEvery] = useState(1000);
  const now = useNow(every);
  const wanted = freshness(at, now);
  useEffect(() => setEvery(wanted), [wanted]);
  if (!at) return <span className="kp-dim">–</span>;
  return (
    <Tooltip label={exact(at)}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {relative(at, now)}
      </time>
    </Tooltip>
  );
}
