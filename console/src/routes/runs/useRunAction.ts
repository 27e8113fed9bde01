// What a person does to a run, with the notice it deserves and everything it touches read anew.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { done, failed } from '../../parts/notify';

/** Everything that shows runs or their errors. */
export const RUN_FAMILIES = ['runs', 'run-counts', 'errors', 'dashboard'];

interface Options<A, T> {
  act: (asked: A) => Promise<T>;
  said: (result: T, asked: A) => string;
  fault: string;
  after?: (result: T, asked: A) => void;
}

export function useRunAction<A, T>({ act, said, fault, after }: Options<A, T>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (result, asked) => {
      done(said(result, asked));
      after?.(result, asked);
    },
    onError: (error) => failed(fault, error),
    onSettled: () => {
      for (const family of RUN_FAMILIES) void client.invalidateQueries({ queryKey: [family] });
    },
  });
}
