// A search box that settles before it asks: shows what the address holds, Escape empties it.
import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

const SETTLE_MS = 300;

interface Props {
  label: string;
  placeholder: string;
  value: string | undefined;
  change: (text: string | undefined) => void;
  width?: number;
}

export function SearchBox({ label, placeholder, value = '', change, width = 230 }: Props) {
  const [text, setText] = useState(value);
  const told = useRef(value);
  const input = useRef<HTMLInputElement>(null);
  // The address changed by other means: a link, the way back, a saved view.
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setText(value);
  }, [value]);
  const tell = (next: string) => {
    if (next === told.current) return;
    told.current = next;
    change(next || undefined);
  };
  const later = useDebouncedCallback(tell, SETTLE_MS);
  const type = (next: string) => {
    setText(next);
    later(next.trim());
  };
  const clear = () => {
    setText('');
    later.cancel();
    tell('');
    input.current?.focus();
  };
  return (
    <TextInput
      ref={input}
      size="xs"
      w={width}
      data-search
      aria-label={label}
      placeholder={placeholder}
      leftSection={<IconSearch size={13} />}
      rightSection={
        text && <CloseButton size="xs" aria-label={`Clear: ${label}`} onClick={clear} />
      }
      value={text}
      onChange={(event) => type(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && text) clear();
        if (event.key === 'Enter') {
          later.cancel();
          tell(text.trim());
        }
      }}
    />
  );
}
