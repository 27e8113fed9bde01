// What the space was told about its webhooks, and which are in trouble.
import { infiniteQueryOptions } from '@tanstack/react-query';
import { answer, GET } from './client';
import type { components } from './schema';

export type Notice = components['schemas']['Notice'];

interface NoticePage {
  notices: Notice[];
  nextPageToken?: string | null;
}

/** Newest first; refreshed live. */
export const notices = infiniteQueryOptions({
  queryKey: ['notices'],
  queryFn: ({ pageParam }) =>
    answer<NoticePage>(
      GET('/app/api/v1/notices', {
        params: { query: { limit: 25, pageToken: pageParam || undefined } },
      }),
    ),
  initialPageParam: '',
  getNextPageParam: (last) => last.nextPageToken || undefined,
});
