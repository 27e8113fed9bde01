// Submissions of a kapp's forms and of the datastore's.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, body, DELETE, GET, POST, PUT } from './client';
import type { Place } from './forms';
import type { CoreState, Submission } from './types';

interface ListPage {
  submissions: Submission[];
  nextPageToken?: string | null;
}

interface ListQuery {
  coreState?: string;
  limit: number;
  pageToken?: string;
}

function list(kapp: Place, form: string, more: ListQuery) {
  const query = { include: 'details,values', ...more };
  return answer<ListPage>(
    kapp === null
      ? GET('/app/api/v1/datastore/forms/{form}/submissions', {
          params: { path: { form }, query },
        })
      : GET('/app/api/v1/kapps/{kapp}/forms/{form}/submissions', {
          params: { path: { kapp, form }, query },
        }),
  );
}

export const submissions = (kapp: Place, form: string, coreState?: string) =>
  infiniteQueryOptions({
    queryKey: ['submissions', 'list', kapp ?? '*', form, coreState ?? ''],
    queryFn: ({ pageParam }) =>
      list(kapp, form, { coreState, limit: 50, pageToken: pageParam || undefined }),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
  });

export const submission = (id: string) =>
  queryOptions({
    queryKey: ['submissions', 'one', id],
    queryFn: async () =>
      (
        await answer<{ submission: Submission }>(
          GET('/app/api/v1/submissions/{id}', {
            params: { path: { id }, query: { include: 'details,values,form,form.kapp' } },
          }),
        )
      ).submission,
  });

export const byHandle = async (kapp: string, handle: string): Promise<Submission[]> =>
  (
    await answer<ListPage>(
      GET('/app/api/v1/kapps/{kapp}/submissions', {
        params: {
          path: { kapp },
          query: {
            q: `handle = "${handle.toUpperCase()}"`,
            include: 'details,form',
            limit: 5,
          },
        },
      }),
    )
  ).submissions;

type Values = Record<string, unknown>;

/** Creates a submission: a draft when not completed, otherwise submitted. */
export async function create(kapp: Place, form: string, values: Values, completed: boolean) {
  const query = { completed, include: 'details,values' };
  const fields = body(completed ? { values } : { values, coreState: 'Draft' });
  const made = await answer<{ submission: Submission }>(
    kapp === null
      ? POST('/app/api/v1/datastore/forms/{form}/submissions', {
          params: { path: { form }, query },
          body: fields,
        })
      : POST('/app/api/v1/kapps/{kapp}/forms/{form}/submissions', {
          params: { path: { kapp, form }, query },
          body: fields,
        }),
  );
  return made.submission;
}

export const update = async (id: string, change: { values?: Values; coreState?: CoreState }) =>
  (
    await answer<{ submission: Submission }>(
      PUT('/app/api/v1/submissions/{id}', {
        params: { path: { id }, query: { include: 'details,values' } },
        body: body(change),
      }),
    )
  ).submission;

export const remove = (id: string) =>
  answer<unknown>(DELETE('/app/api/v1/submissions/{id}', { params: { path: { id } } }));
