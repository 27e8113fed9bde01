// Finds anything by name, run number or submission handle, and goes there.
import { Modal } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useRouter } from '@tanstack/react-router';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { useFinds, type Find } from './useFinds';
import classes from './Palette.module.css';

export function Palette({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={close}
      withCloseButton={false}
      padding={0}
      size={600}
      yOffset="12vh"
      centered={false}
      attributes={{ content: { 'aria-label': 'Find anything' } }}
    >
      <Finder close={close} />
    </Modal>
  );
}

function Finder({ close }: { close: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const finds = useFinds(text);
  const router = useRouter();
  const list = useId();
  const box = useRef<HTMLDivElement>(null);
  const chosen = Math.min(at, Math.max(0, finds.length - 1));
  useEffect(() => {
    box.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const go = (find: Find | undefined) => {
    if (!find) return;
    close();
    void router.navigate({ href: find.href });
  };
  const key = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && finds.length) setAt((chosen + step + finds.length) % finds.length);
    if (event.key === 'Enter') go(finds[chosen]);
    if (step || event.key === 'Enter') event.preventDefault();
  };
  return (
    <div>
      <div className={classes.search}>
        <IconSearch size={17} aria-hidden />
        <input
          data-autofocus
          role="combobox"
          aria-expanded
          aria-controls={list}
          aria-activedescendant={finds.length ? `${list}-${chosen}` : undefined}
          aria-label="Find anything"
          placeholder="A page, form, webhook, tree, run number or submission handle"
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={key}
        />
      </div>
      <div className={classes.list} role="listbox" id={list} aria-label="Results" ref={box}>
        {finds.map((find, index) => (
          <div
            key={`${find.kind} ${find.href}`}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className={classes.option}
            onMouseMove={() => setAt(index)}
            onClick={() => go(find)}
          >
            <find.icon size={16} stroke={1.7} aria-hidden />
            <span className="kp-clip">{find.label}</span>
            <span className={classes.kind}>{find.kind}</span>
          </div>
        ))}
        {finds.length === 0 && (
          <p className={classes.none} role="status">
            Nothing is called “{text}”. Try a run number, a handle such as 4F09A1, or part of a
            name.
          </p>
        )}
      </div>
    </div>
  );
}
