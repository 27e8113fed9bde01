// Deliveries by outcome as bars and runs as a line, a point for each minute or more.
import { CompositeChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import type { SeriesPoint } from '../../api/types';
import { plural } from '../../logic/text';
import { bucket } from './bucket';

const clock = (iso: string): string =>
  new Date(iso).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

export default function Chart({ series }: { series: SeriesPoint[] }) {
  const points = bucket(series, 60);
  const total = (key: 'complete' | 'failed' | 'runs') =>
    series.reduce((sum, point) => sum + point[key], 0);
  const words = `${plural(total('complete'), 'delivery', 'deliveries')} complete, ${total(
    'failed',
  )} failed, ${plural(total('runs'), 'run')} started.`;
  return (
    <figure style={{ margin: 0 }} aria-label={words}>
      <CompositeChart
        h={220}
        data={points.map((point) => ({ ...point, at: clock(point.at) }))}
        dataKey="at"
        maxBarWidth={16}
        withLegend
        legendProps={{ verticalAlign: 'bottom', height: 32 }}
        gridAxis="x"
        tickLine="none"
        strokeDasharray="0"
        curveType="monotone"
        composedChartProps={{ barGap: 0 }}
        xAxisProps={{ minTickGap: 48 }}
        yAxisProps={{ allowDecimals: false, width: 36 }}
        series={[
          { name: 'complete', label: 'Complete', type: 'bar', color: 'var(--kp-chart-good)' },
          { name: 'failed', label: 'Failed', type: 'bar', color: 'var(--kp-chart-bad)' },
          { name: 'queued', label: 'Queued', type: 'bar', color: 'var(--kp-chart-wait)' },
          { name: 'runs', label: 'Runs', type: 'line', color: 'iris.4' },
        ]}
        lineProps={{ dot: false, strokeWidth: 1.8 }}
        barProps={{ stackId: 'jobs' }}
      />
      <figcaption className="kp-dim" style={{ fontSize: 12.5, marginTop: 4 }}>
        {words}
      </figcaption>
    </figure>
  );
}
