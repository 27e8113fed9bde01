// Short notices in the corner: what was done, or why it was not.
import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { ApiError } from '../api/http';

/** A way back from what was just done. */
export interface Undo {
  label: string;
  act: () => void;
}

export function done(message: string, undo?: Undo): void {
  if (!undo) {
    notifications.show({ message, color: 'teal', autoClose: 4000 });
    return;
  }
  const id = notifications.show({
    color: 'teal',
    autoClose: 10_000,
    message: (
      <Group justify="space-between" gap="sm">
        {message}
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => {
            notifications.hide(id);
            undo.act();
          }}
        >
          {undo.label}
        </Button>
      </Group>
    ),
  });
}

export function failed(what: string, error: unknown): void {
  notifications.show({ title: what, message: words(error), color: 'red', autoClose: 10_000 });
}

/** The server's words, with advice where the status alone tells what to do. */
export function words(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.status === 0) return 'Check that Kapok is running, then try again.';
  if (error.status === 403) return `${error.message} Ask an administrator of the space.`;
  return error.message;
}
