// Merges neighbouring points, so that a chart never has more bars than it has room for.
import type { SeriesPoint } from '../../api/types';

export function bucket(series: SeriesPoint[], most: number): SeriesPoint[] {
  const size = Math.max(1, Math.ceil(series.length / most));
  if (size === 1) return series;
  const out: SeriesPoint[] = [];
  for (let at = 0; at < series.length; at += size) {
    const part = series.slice(at, at + size);
    const sum = (key: 'complete' | 'failed' | 'queued' | 'runs') =>
      part.reduce((total, point) => total + point[key], 0);
    out.push({
      at: part[0]!.at,
      complete: sum('complete'),
      failed: sum('failed'),
      queued: sum('queued'),
      runs: sum('runs'),
    });
  }
  return out;
}
