// Users, teams and who belongs to what.
import { queryOptions } from '@tanstack/react-query';
import { answer, body, DELETE, GET, POST, PUT } from './client';
import type { Team, User } from './types';

const LIST = { include: 'details', limit: 1000 };
const ONE = { include: 'details,memberships' };

export const users = queryOptions({
  queryKey: ['users', 'list'],
  queryFn: async () =>
    (await answer<{ users: User[] }>(GET('/app/api/v1/users', { params: { query: LIST } }))).users,
});

export type UserChange = Partial<User> & { password?: string };

export const createUser = async (user: UserChange) =>
  (await answer<{ user: User }>(POST('/app/api/v1/users', { body: body(user) }))).user;

export const updateUser = async (username: string, change: UserChange) =>
  (
    await answer<{ user: User }>(
      PUT('/app/api/v1/users/{username}', { params: { path: { username } }, body: body(change) }),
    )
  ).user;

export const teams = queryOptions({
  queryKey: ['teams', 'list'],
  queryFn: async () =>
    (await answer<{ teams: Team[] }>(GET('/app/api/v1/teams', { params: { query: LIST } }))).teams,
});

export const team = (slug: string) =>
  queryOptions({
    queryKey: ['teams', 'one', slug],
    queryFn: async () =>
      (
        await answer<{ team: Team }>(
          GET('/app/api/v1/teams/{team}', { params: { path: { team: slug }, query: ONE } }),
        )
      ).team,
  });

export const createTeam = async (fields: { name: string; description?: string }) =>
  (await answer<{ team: Team }>(POST('/app/api/v1/teams', { body: body(fields) }))).team;

export const addMember = (teamSlug: string, username: string) =>
  answer<unknown>(
    POST('/app/api/v1/memberships', {
      body: body({ team: { slug: teamSlug }, user: { username } }),
    }),
  );

export const removeMember = (teamSlug: string, username: string) =>
  answer<unknown>(
    DELETE('/app/api/v1/memberships/{key}', {
      params: { path: { key: `${teamSlug}_${username}` } },
    }),
  );
