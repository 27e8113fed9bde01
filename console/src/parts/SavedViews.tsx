// Views of a list that somebody wants to come back to, kept in this browser.
import { ActionIcon, Button, Group, Menu, Popover, TextInput } from '@mantine/core';
import { useDisclosure, useLocalStorage } from '@mantine/hooks';
import { IconBookmark, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';

type Search = Record<string, string | undefined>;

interface View {
  name: string;
  search: Search;
}

interface Props {
  /** What the views are of; part of the key they are kept under. */
  of: string;
  current: Search;
  /** A name to propose for the current view. */
  proposal: string;
  apply: (search: Search) => void;
}

const MOST = 30;

export function SavedViews({ of, current, proposal, apply }: Props) {
  const [views, setViews] = useLocalStorage<View[]>({ key: `kapok.views.${of}`, defaultValue: [] });
  const [naming, name] = useDisclosure(false);
  const save = (chosen: string) => {
    const rest = views.filter((view) => view.name !== chosen);
    setViews([...rest, { name: chosen, search: current }].slice(-MOST));
    name.close();
  };
  return (
    <Popover opened={naming} onChange={name.close} trapFocus position="bottom-start" withinPortal>
      <Popover.Target>
        <div>
          <Menu position="bottom-start" withinPortal>
            <Menu.Target>
              <Button variant="default" leftSection={<IconBookmark size={14} />}>
                Views
              </Button>
            </Menu.Target>
            <Menu.Dropdown miw={220}>
              {views.length === 0 && (
                <Menu.Label>Save a search to come back to it with one click.</Menu.Label>
              )}
              {views.map((view) => (
                <Group key={view.name} gap={4} wrap="nowrap">
                  <Menu.Item onClick={() => apply(view.search)}>{view.name}</Menu.Item>
                  <ActionIcon
                    size="sm"
                    aria-label={`Forget the view ${view.name}`}
                    onClick={() => setViews(views.filter((one) => one !== view))}
                  >
                    <IconTrash size={14} />
                  </ActionIcon>
                </Group>
              ))}
              <Menu.Divider />
              <Menu.Item onClick={name.open}>Save this view…</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </Popover.Target>
      <Popover.Dropdown>
        <Naming key={proposal} proposal={proposal} save={save} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Naming({ proposal, save }: { proposal: string; save: (name: string) => void }) {
  const [text, setText] = useState(proposal);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) save(text.trim());
      }}
    >
      <Group align="flex-end" gap="xs">
        <TextInput
          size="xs"
          w={260}
          label="Name of the view"
          data-autofocus
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit">Save</Button>
      </Group>
    </form>
  );
}
