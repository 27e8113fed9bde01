// A panel that is folded away until it is needed; its head says what stands in it.
import { IconChevronRight } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';

interface Props {
  title: string;
  /** What is set inside, in a few words. */
  hint?: string;
  children: ReactNode;
}

export function Fold({ title, hint, children }: Props) {
  const [opened, setOpened] = useState(false);
  return (
    <details
      className="kp-panel kp-folded"
      onToggle={(event) => event.currentTarget.open && setOpened(true)}
    >
      <summary>
        <IconChevronRight size={15} aria-hidden />
        <h2>{title}</h2>
        {hint && <span className="kp-dim kp-clip">{hint}</span>}
      </summary>
      {opened && <div className="kp-panel-body kp-stack">{children}</div>}
    </details>
  );
}
