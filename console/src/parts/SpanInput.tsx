// A span of time, typed as people say it.
import { TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { formatSpan, parseSpan } from '../logic/spans';

interface Props {
  label: string;
  description?: ReactNode;
  value: number | null | undefined;
  /** What counts while nothing is given. */
  inherited?: number | null;
  size?: 'xs' | 'sm';
  change: (ms: number | undefined) => void;
}

export function SpanInput({ label, description, value, inherited, size, change }: Props) {
  const [text, setText] = useState(() => shown(value));
  const told = useRef(value);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setText(shown(value));
  }, [value]);
  const wrong = text.trim() !== '' && parseSpan(text) === undefined;
  return (
    <TextInput
      size={size}
      label={label}
      description={description}
      placeholder={inherited == null ? 'Such as 30 s, 5 min, 2 d' : formatSpan(inherited)}
      value={text}
      error={wrong ? 'Write it like 30 s, 5 min or 2 d 12 h.' : undefined}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setText(next);
        const ms = next.trim() === '' ? undefined : parseSpan(next);
        if (next.trim() !== '' && ms === undefined) return;
        told.current = ms;
        change(ms);
      }}
    />
  );
}

const shown = (ms: number | null | undefined): string => (ms == null ? '' : formatSpan(ms));
