// Home's figures, for the last so many minutes.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, GET } from './client';
import type { Dashboard } from './types';

export const dashboard = (minutes = 60) =>
  queryOptions({
    queryKey: ['dashboard', minutes],
    queryFn: async () =>
      (
        await answer<{ dashboard: Dashboard }>(
          GET('/app/api/v1/dashboard', { params: { query: { minutes } } }),
        )
      ).dashboard,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
