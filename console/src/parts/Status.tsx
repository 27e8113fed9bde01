// A state as icon, word and colour: never colour alone.
import {
  IconAlertTriangle,
  IconCircle,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconClock,
  IconProgress,
} from '@tabler/icons-react';
import { stateOf, type State, type Tone } from '../logic/states';

const ICONS: Record<Tone, typeof IconCircle> = {
  good: IconCircleCheckFilled,
  bad: IconCircleXFilled,
  warn: IconAlertTriangle,
  busy: IconProgress,
  wait: IconClock,
  idle: IconCircle,
  off: IconCircleDashed,
};

export function ToneIcon({ tone, size = 15 }: { tone: Tone; size?: number }) {
  const Icon = ICONS[tone];
  return <Icon size={size} stroke={2} aria-hidden />;
}

interface Props {
  of: string | State | null | undefined;
  pill?: boolean;
  title?: string;
}

export function Status({ of, pill, title }: Props) {
  const state = typeof of === 'object' && of !== null ? of : stateOf(of);
  return (
    <span className="kp-status" data-tone={state.tone} data-pill={pill} title={title}>
      <ToneIcon tone={state.tone} />
      {state.word}
    </span>
  );
}
