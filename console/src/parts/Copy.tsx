// Copying: a short id that copies itself whole, and a button for longer texts.
import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { failed } from './notify';

function useCopy(): [boolean, (text: string) => void] {
  const [copied, setCopied] = useState(false);
  const copy = (text: string) => {
    writeText(text).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1500);
      },
      (error: unknown) => failed('Could not copy', error),
    );
  };
  return [copied, copy];
}

/** The clipboard of a secure page, or the older way on plain http. */
async function writeText(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.appendChild(area);
  area.select();
  const ok = document.execCommand('copy');
  area.remove();
  if (!ok) throw new Error('The browser did not allow it. Select the text and copy it by hand.');
}

/** The telling end of an id: v7 ids share their beginning. */
export const short = (id: string): string => (id.length > 12 ? id.slice(-8) : id);

export function ShortId({ id, label = 'id' }: { id: string | null | undefined; label?: string }) {
  const [copied, copy] = useCopy();
  if (!id) return <span className="kp-dim">–</span>;
  return (
    <Tooltip label={copied ? 'Copied' : id}>
      <button
        type="button"
        className="kp-id"
        aria-label={`Copy ${label} ${id}`}
        onClick={(event) => {
          event.stopPropagation();
          event.preventDefault();
          copy(id);
        }}
      >
        {short(id)}
        {copied ? <IconCheck size={12} /> : <IconCopy size={12} opacity={0.6} />}
      </button>
    </Tooltip>
  );
}

interface CopyProps {
  text: () => string;
  label: string;
  /** Shows the label instead of the icon alone. */
  words?: boolean;
}

export function CopyButton({ text, label, words }: CopyProps) {
  const [copied, copy] = useCopy();
  if (words)
    return (
      <Button
        size="compact-xs"
        variant="default"
        leftSection={copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
        onClick={() => copy(text())}
      >
        {copied ? 'Copied' : label}
      </Button>
    );
  return (
    <Tooltip label={copied ? 'Copied' : label}>
      <ActionIcon aria-label={label} onClick={() => copy(text())} size="sm">
        {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
      </ActionIcon>
    </Tooltip>
  );
}
