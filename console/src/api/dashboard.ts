// Home's figures, for the last so many minutes.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { CORE, http } from './http';
import type { Dashboard } from './types';

export const dashboard = (minutes = 60) =>
  queryOptions({
    queryKey: ['dashboard', minutes],
    queryFn: async () =>
      (await http.get<{ dashboard: Dashboard }>(`${CORE}/dashboard`, { minutes })).dashboard,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
