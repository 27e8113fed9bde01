// What the palette can find: pages, then what exists by name, then numbers and handles.
import {
  IconBinaryTree,
  IconFileText,
  IconForms,
  IconLifebuoy,
  IconLayoutSidebar,
  IconPlayerPlay,
  IconPlugConnected,
  IconPlus,
  IconPuzzle,
  IconUser,
  IconWebhook,
  type Icon,
} from '@tabler/icons-react';
import { useDebouncedValue } from '@mantine/hooks';
import { useQueries, useQuery } from '@tanstack/react-query';
import { connections, type Connection } from '../api/connections';
import { forms, kapps } from '../api/forms';
import { handlers, type Handler } from '../api/handlers';
import { queryString } from '../api/http';
import { users } from '../api/people';
import { me } from '../api/session';
import { byHandle } from '../api/submissions';
import { titleOf, trees } from '../api/trees';
import { webhooks } from '../api/webhooks';

export interface Find {
  label: string;
  kind: string;
  href: string;
  icon: Icon;
}

const page = (label: string, path: string, icon: Icon = IconLayoutSidebar): Find => ({
  label,
  kind: 'Page',
  href: `/console${path}`,
  icon,
});

const FOR_ALL: Find[] = [
  page('Home', ''),
  page('Approvals', '/approvals'),
  page('Kapps and forms', '/kapps'),
  page('Datastore', '/datastore'),
];

const FOR_ADMINISTRATORS: Find[] = [
  page('Activity', '/activity'),
  page('Webhooks', '/webhooks'),
  page('Jobs', '/jobs'),
  page('Failed jobs', '/jobs?tab=failed'),
  page('Lanes', '/lanes'),
  page('Recovery', '/recoveries'),
  page('Inspectors', '/inspectors'),
  page('Settings', '/settings'),
  page('Notices', '/settings?tab=notices'),
  page('Signing keys', '/settings?tab=keys'),
  page('Retention', '/settings?tab=retention'),
  page('Trees', '/trees'),
  page('Runs', '/runs'),
  page('Errors', '/errors'),
  page('Handlers', '/handlers'),
  page('Connections', '/connections'),
  page('Users', '/users'),
  page('Teams', '/teams'),
  { ...page('New webhook', '/webhooks/new', IconPlus), kind: 'Action' },
  { ...page('New recovery', '/recoveries/new', IconLifebuoy), kind: 'Action' },
];

const MOST = 40;

/** Every word must occur somewhere in the label or kind. */
export function fits(find: Find, text: string): boolean {
  const hay = `${find.label} ${find.kind}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word));
}

export function useFinds(text: string): Find[] {
  const wanted = text.trim();
  const named = useNamed();
  const exact = useExact(wanted);
  const admin = useQuery(me).data?.spaceAdmin === true;
  const known = admin ? [...FOR_ALL, ...FOR_ADMINISTRATORS] : FOR_ALL;
  const pages = known.filter((find) => fits(find, wanted));
  if (!wanted) return pages;
  return [...exact, ...pages, ...named.filter((find) => fits(find, wanted))].slice(0, MOST);
}

function useNamed(): Find[] {
  const enabled = useQuery(me).data?.spaceAdmin === true;
  const slugs = (useQuery(kapps).data ?? []).map((kapp) => kapp.slug);
  const treeList = useQuery({ ...trees, enabled }).data ?? [];
  const userList = useQuery({ ...users, enabled }).data ?? [];
  const handlerList = useQuery({ ...handlers, enabled }).data ?? [];
  const connectionList = useQuery({ ...connections, enabled }).data ?? [];
  const scopes = [null, ...slugs];
  const formLists = useQueries({ queries: scopes.map((scope) => forms(scope)) });
  const hookLists = useQueries({
    queries: scopes.map((scope) => ({ ...webhooks(scope), enabled })),
  });
  return [
    ...scopes.flatMap((scope, index) =>
      (formLists[index]?.data ?? []).map(({ name, slug }) => formFind(scope, name, slug)),
    ),
    ...scopes.flatMap((scope, index) =>
      (hookLists[index]?.data ?? []).map(({ name }) => webhookFind(scope, name)),
    ),
    ...treeList.map((tree) => ({
      label: titleOf(tree),
      kind: 'Tree',
      href: `/console/trees/${encodeURIComponent(titleOf(tree))}`,
      icon: IconBinaryTree,
    })),
    ...handlerList.filter((one) => one.external).map(handlerFind),
    ...connectionList.map(connectionFind),
    ...userList.map((user) => ({
      label: user.displayName ? `${user.displayName} (${user.username})` : user.username,
      kind: 'User',
      href: `/console/users${queryString({ user: user.username })}`,
      icon: IconUser,
    })),
  ];
}

const formFind = (scope: string | null, name: string, slug: string): Find => ({
  label: name,
  kind: scope ? `Form in ${scope}` : 'Datastore form',
  href: scope
    ? `/console/kapps/${encodeURIComponent(scope)}/forms/${encodeURIComponent(slug)}`
    : `/console/datastore/forms/${encodeURIComponent(slug)}`,
  icon: IconForms,
});

const webhookFind = (scope: string | null, name: string): Find => ({
  label: name,
  kind: scope ? `Webhook of ${scope}` : 'Webhook of the space',
  href: `/console/webhooks/edit/${encodeURIComponent(name)}${queryString({ kapp: scope })}`,
  icon: IconWebhook,
});

const handlerFind = ({ name, definitionId }: Handler): Find => ({
  label: `${name} (${definitionId})`,
  kind: 'Handler',
  href: `/console/handlers${queryString({ handler: definitionId })}`,
  icon: IconPuzzle,
});

const connectionFind = ({ id, name }: Connection): Find => ({
  label: name,
  kind: 'Connection',
  href: `/console/connections/${encodeURIComponent(id)}`,
  icon: IconPlugConnected,
});

const HANDLE = /^[0-9a-f]{6}$/i;
const NUMBER = /^(?:run\s*)?#?(\d{1,12})$/i;

/** A run by its number and submissions by their handle. */
function useExact(wanted: string): Find[] {
  const [settled] = useDebouncedValue(wanted, 180);
  const slugs = (useQuery(kapps).data ?? []).map((kapp) => kapp.slug);
  const found = useQuery({
    queryKey: ['submissions', 'handle', settled, slugs],
    enabled: HANDLE.test(settled) && slugs.length > 0,
    retry: false,
    queryFn: async () =>
      (await Promise.allSettled(slugs.map((slug) => byHandle(slug, settled)))).flatMap((one) =>
        one.status === 'fulfilled' ? one.value : [],
      ),
  });
  const number = NUMBER.exec(wanted)?.[1];
  const finds: Find[] = number
    ? [
        {
          label: `Run ${number}`,
          kind: 'Run',
          href: `/console/runs/${number}`,
          icon: IconPlayerPlay,
        },
      ]
    : [];
  for (const submission of HANDLE.test(wanted) ? (found.data ?? []) : [])
    finds.push({
      label: `${submission.handle ?? wanted} · ${submission.label ?? submission.form?.name ?? ''}`,
      kind: 'Submission',
      href: `/console/submissions/${submission.id}`,
      icon: IconFileText,
    });
  return finds;
}
