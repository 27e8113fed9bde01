// Short notices in the corner: what was done, or why it was not.
import { notifications } from '@mantine/notifications';
import { ApiError } from '../api/http';

export function done(message: string): void {
  notifications.show({ message, color: 'teal', autoClose: 4000 });
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
