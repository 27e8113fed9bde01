// Users, teams and who belongs to what.
import { queryOptions } from '@tanstack/react-query';
import { CORE, http, seg } from './http';
import type { Team, User } from './types';

export const users = queryOptions({
  queryKey: ['users', 'list'],
  queryFn: async () =>
    (
      await http.get<{ users: User[] }>(`${CORE}/users`, {
        include: 'details',
        limit: 1000,
      })
    ).users,
});

export const user = (username: string) =>
  queryOptions({
    queryKey: ['users', 'one', username],
    queryFn: async () =>
      (
        await http.get<{ user: User }>(`${CORE}/users/${seg(username)}`, {
          include: 'details,memberships',
        })
      ).user,
  });

export type UserChange = Partial<User> & { password?: string };

export const createUser = async (body: UserChange) =>
  (await http.post<{ user: User }>(`${CORE}/users`, body)).user;

export const updateUser = async (username: string, body: UserChange) =>
  (await http.put<{ user: User }>(`${CORE}/users/${seg(username)}`, body)).user;

export const teams = queryOptions({
  queryKey: ['teams', 'list'],
  queryFn: async () =>
    (
      await http.get<{ teams: Team[] }>(`${CORE}/teams`, {
        include: 'details',
        limit: 1000,
      })
    ).teams,
});

export const team = (slug: string) =>
  queryOptions({
    queryKey: ['teams', 'one', slug],
    queryFn: async () =>
      (
        await http.get<{ team: Team }>(`${CORE}/teams/${seg(slug)}`, {
          include: 'details,memberships',
        })
      ).team,
  });

export const createTeam = async (body: { name: string; description?: string }) =>
  (await http.post<{ team: Team }>(`${CORE}/teams`, body)).team;

export const addMember = (teamSlug: string, username: string) =>
  http.post<unknown>(`${CORE}/memberships`, { team: { slug: teamSlug }, user: { username } });

export const removeMember = (teamSlug: string, username: string) =>
  http.delete<unknown>(`${CORE}/memberships/${seg(`${teamSlug}_${username}`)}`);
