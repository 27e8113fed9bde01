// Who is signed in, and the space they are in.
import { queryOptions } from '@tanstack/react-query';
import { answer, GET } from './client';
import { quietly } from './http';
import type { Me } from './types';

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: () => quietly<Me>('GET', '/app/api/v1/me'),
  staleTime: 60_000,
  retry: false,
});

export const space = queryOptions({
  queryKey: ['space'],
  queryFn: async () =>
    (await answer<{ space: { name: string; slug: string } }>(GET('/app/api/v1/space'))).space,
  staleTime: 300_000,
});

export const signIn = (username: string, password: string) =>
  quietly<unknown>('POST', '/app/login.do', { j_username: username, j_password: password });

export const signOut = () => fetch('/app/logout', { credentials: 'same-origin' });
