// Submissions of a kapp's forms and of the datastore's.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { formsPath, type Place } from './forms';
import { CORE, http, seg } from './http';
import type { CoreState, Submission } from './types';

const INCLUDE = 'details,values,form,form.kapp';

const onePath = (kapp: Place, id: string) =>
  `${CORE}/${kapp === null ? 'datastore/' : ''}submissions/${seg(id)}`;

interface ListPage {
  submissions: Submission[];
  nextPageToken?: string | null;
}

export const submissions = (kapp: Place, form: string, coreState?: string) =>
  infiniteQueryOptions({
    queryKey: ['submissions', 'list', kapp ?? '*', form, coreState ?? ''],
    queryFn: ({ pageParam }) =>
      http.get<ListPage>(`${formsPath(kapp)}/${seg(form)}/submissions`, {
        include: 'details,values',
        coreState,
        limit: 50,
        pageToken: pageParam,
      }),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
  });

/** The drafts of a form, newest first, at most 200: what waits for somebody to fill in. */
export const drafts = (kapp: string, form: string) =>
  queryOptions({
    queryKey: ['submissions', 'drafts', kapp, form],
    queryFn: async () => {
      const page = await http.get<ListPage>(`${formsPath(kapp)}/${seg(form)}/submissions`, {
        include: 'details,values',
        coreState: 'Draft',
        limit: 200,
      });
      return page.submissions.filter((one) => one.coreState === 'Draft');
    },
  });

export const submission = (kapp: Place, id: string) =>
  queryOptions({
    queryKey: ['submissions', 'one', id],
    queryFn: async () =>
      (
        await http.get<{ submission: Submission }>(onePath(kapp, id), {
          include: kapp === null ? 'details,values,form' : INCLUDE,
        })
      ).submission,
  });

export const byHandle = async (kapp: string, handle: string): Promise<Submission[]> =>
  (
    await http.get<ListPage>(`${CORE}/kapps/${seg(kapp)}/submissions`, {
      q: `handle = "${handle.toUpperCase()}"`,
      include: 'details,form',
      limit: 5,
    })
  ).submissions;

type Values = Record<string, unknown>;

/** Creates a submission: a draft when not completed, otherwise submitted. */
export const create = async (kapp: Place, form: string, values: Values, completed: boolean) =>
  (
    await http.post<{ submission: Submission }>(
      `${formsPath(kapp)}/${seg(form)}/submissions`,
      completed ? { values } : { values, coreState: 'Draft' },
      { completed, include: 'details,values' },
    )
  ).submission;

export const update = async (
  kapp: Place,
  id: string,
  change: { values?: Values; coreState?: CoreState },
) =>
  (
    await http.put<{ submission: Submission }>(onePath(kapp, id), change, {
      include: 'details,values',
    })
  ).submission;

export const remove = (kapp: Place, id: string) => http.delete<unknown>(onePath(kapp, id));
