// What is being deleted is not asked for again: the stream tells of it before its own answer does.
import { useIsMutating } from '@tanstack/react-query';

/** The key under which a mutation deletes something. */
export const deletion = (...what: (string | null)[]) => ['delete', ...what];

/** Whether it is still there to be asked for; false from the click on. */
export const useStays = (...what: (string | null)[]): boolean =>
  useIsMutating({ mutationKey: deletion(...what) }) === 0;
