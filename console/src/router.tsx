// Every page of the console, its address, and what of its state the address holds.
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import type { QueryClient } from '@tanstack/react-query';
import { dashboard } from './api/dashboard';
import { ApiError } from './api/http';
import { me } from './api/session';
import { Frame } from './frame/Frame';
import { Lost, PageFault, PageWaiting } from './frame/Fallbacks';
import { JOB_SEARCH } from './logic/jobSearch';
import { RUN_SEARCH } from './logic/runSearch';
import { RECOVERY_SEARCH } from './logic/recoveries';
import { only, parseSearch, stringifySearch } from './logic/search';
import { queryClient } from './queryClient';

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  notFoundComponent: Lost,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/console/sign-in',
  validateSearch: only('to'),
  component: lazyRouteComponent(() => import('./routes/sign-in/SignIn'), 'SignIn'),
});

const entry = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/console' });
  },
});

const frame = createRoute({
  getParentRoute: () => root,
  id: 'frame',
  component: Frame,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData(me);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401)
        throw redirect({ to: '/console/sign-in', search: { to: location.href } });
      throw error;
    }
  },
});

const home = createRoute({
  getParentRoute: () => frame,
  path: '/console',
  loader: ({ context }) => {
    const person = context.queryClient.getQueryData(me.queryKey);
    if (person?.spaceAdmin) void context.queryClient.prefetchQuery(dashboard());
  },
  component: lazyRouteComponent(() => import('./routes/home/Home'), 'Home'),
});

const activity = createRoute({
  getParentRoute: () => frame,
  path: '/console/activity',
  validateSearch: only('type', 'event', 'kapp', 'q', 'parentType', 'parentKey'),
  component: lazyRouteComponent(() => import('./routes/events/Events'), 'Events'),
});

const event = createRoute({
  getParentRoute: () => frame,
  path: '/console/activity/$id',
  component: lazyRouteComponent(() => import('./routes/events/Event'), 'Event'),
});

const webhooks = createRoute({
  getParentRoute: () => frame,
  path: '/console/webhooks',
  validateSearch: only('q'),
  component: lazyRouteComponent(() => import('./routes/webhooks/Webhooks'), 'Webhooks'),
});

const newWebhook = createRoute({
  getParentRoute: () => frame,
  path: '/console/webhooks/new',
  validateSearch: only('kapp', 'type', 'event', 'url'),
  component: lazyRouteComponent(() => import('./routes/webhooks/NewWebhook'), 'NewWebhook'),
});

const webhook = createRoute({
  getParentRoute: () => frame,
  path: '/console/webhooks/edit/$name',
  validateSearch: only('kapp'),
  component: lazyRouteComponent(() => import('./routes/webhooks/EditWebhook'), 'EditWebhook'),
});

const jobs = createRoute({
  getParentRoute: () => frame,
  path: '/console/jobs',
  validateSearch: only(...JOB_SEARCH),
  component: lazyRouteComponent(() => import('./routes/webhook-jobs/Jobs'), 'Jobs'),
});

const job = createRoute({
  getParentRoute: () => frame,
  path: '/console/jobs/$id',
  validateSearch: only('tab', 'attempt'),
  component: lazyRouteComponent(() => import('./routes/webhook-jobs/Job'), 'Job'),
});

const lanes = createRoute({
  getParentRoute: () => frame,
  path: '/console/lanes',
  validateSearch: only('q', 'state', 'webhook'),
  component: lazyRouteComponent(() => import('./routes/lanes/Lanes'), 'Lanes'),
});

const recoveries = createRoute({
  getParentRoute: () => frame,
  path: '/console/recoveries',
  component: lazyRouteComponent(() => import('./routes/recoveries/Recoveries'), 'Recoveries'),
});

const newRecovery = createRoute({
  getParentRoute: () => frame,
  path: '/console/recoveries/new',
  validateSearch: only(...RECOVERY_SEARCH),
  component: lazyRouteComponent(() => import('./routes/recoveries/NewRecovery'), 'NewRecovery'),
});

const recovery = createRoute({
  getParentRoute: () => frame,
  path: '/console/recoveries/$id',
  component: lazyRouteComponent(() => import('./routes/recoveries/Recovery'), 'Recovery'),
});

const inspectors = createRoute({
  getParentRoute: () => frame,
  path: '/console/inspectors',
  component: lazyRouteComponent(() => import('./routes/inspectors/Inspectors'), 'Inspectors'),
});

const inspector = createRoute({
  getParentRoute: () => frame,
  path: '/console/inspectors/$id',
  validateSearch: only('request'),
  component: lazyRouteComponent(() => import('./routes/inspectors/Inspector'), 'Inspector'),
});

const settings = createRoute({
  getParentRoute: () => frame,
  path: '/console/settings',
  validateSearch: only('tab'),
  component: lazyRouteComponent(() => import('./routes/settings/Settings'), 'Settings'),
});

const trees = createRoute({
  getParentRoute: () => frame,
  path: '/console/trees',
  validateSearch: only('q', 'source'),
  component: lazyRouteComponent(() => import('./routes/trees/Trees'), 'Trees'),
});

const tree = createRoute({
  getParentRoute: () => frame,
  path: '/console/trees/$title',
  validateSearch: only('node', 'tab'),
  component: lazyRouteComponent(() => import('./routes/trees/Tree'), 'TreePage'),
});

const connections = createRoute({
  getParentRoute: () => frame,
  path: '/console/connections',
  component: lazyRouteComponent(() => import('./routes/connections/Connections'), 'Connections'),
});

const connection = createRoute({
  getParentRoute: () => frame,
  path: '/console/connections/$id',
  validateSearch: only('operation'),
  component: lazyRouteComponent(() => import('./routes/connections/Connection'), 'Connection'),
});

const runs = createRoute({
  getParentRoute: () => frame,
  path: '/console/runs',
  validateSearch: only(...RUN_SEARCH),
  component: lazyRouteComponent(() => import('./routes/runs/Runs'), 'Runs'),
});

const run = createRoute({
  getParentRoute: () => frame,
  path: '/console/runs/$id',
  validateSearch: only('node', 'task', 'tab'),
  component: lazyRouteComponent(() => import('./routes/runs/Run'), 'RunPage'),
});

const errors = createRoute({
  getParentRoute: () => frame,
  path: '/console/errors',
  validateSearch: only('status', 'q', 'cause', 'resolution'),
  component: lazyRouteComponent(() => import('./routes/errors/Errors'), 'Errors'),
});

const approvals = createRoute({
  getParentRoute: () => frame,
  path: '/console/approvals',
  validateSearch: only('scope', 'state', 'id'),
  component: lazyRouteComponent(() => import('./routes/approvals/Approvals'), 'Approvals'),
});

const kapps = createRoute({
  getParentRoute: () => frame,
  path: '/console/kapps',
  component: lazyRouteComponent(() => import('./routes/forms/Kapps'), 'Kapps'),
});

const form = createRoute({
  getParentRoute: () => frame,
  path: '/console/kapps/$kapp/forms/$form',
  validateSearch: only('tab', 'state'),
  component: lazyRouteComponent(() => import('./routes/forms/FormPage'), 'KappFormPage'),
});

const submission = createRoute({
  getParentRoute: () => frame,
  path: '/console/submissions/$id',
  validateSearch: only('tab', 'done'),
  component: lazyRouteComponent(
    () => import('./routes/submissions/SubmissionPage'),
    'KappSubmission',
  ),
});

const datastore = createRoute({
  getParentRoute: () => frame,
  path: '/console/datastore',
  component: lazyRouteComponent(() => import('./routes/forms/Datastore'), 'Datastore'),
});

const datastoreForm = createRoute({
  getParentRoute: () => frame,
  path: '/console/datastore/forms/$form',
  validateSearch: only('tab', 'state'),
  component: lazyRouteComponent(() => import('./routes/forms/FormPage'), 'DatastoreFormPage'),
});

const datastoreSubmission = createRoute({
  getParentRoute: () => frame,
  path: '/console/datastore/submissions/$id',
  validateSearch: only('tab', 'done'),
  component: lazyRouteComponent(
    () => import('./routes/submissions/SubmissionPage'),
    'DatastoreSubmission',
  ),
});

const handlers = createRoute({
  getParentRoute: () => frame,
  path: '/console/handlers',
  validateSearch: only('handler'),
  component: lazyRouteComponent(() => import('./routes/handlers/Handlers'), 'Handlers'),
});

const users = createRoute({
  getParentRoute: () => frame,
  path: '/console/users',
  validateSearch: only('q', 'user'),
  component: lazyRouteComponent(() => import('./routes/users/Users'), 'Users'),
});

const teams = createRoute({
  getParentRoute: () => frame,
  path: '/console/teams',
  validateSearch: only('team'),
  component: lazyRouteComponent(() => import('./routes/teams/Teams'), 'Teams'),
});

const pages = [
  ...[home, activity, event, webhooks, newWebhook, webhook, jobs, job],
  ...[lanes, recoveries, newRecovery, recovery, inspectors, inspector, settings],
  ...[trees, tree, handlers, runs, run, errors, approvals, connections, connection],
  ...[kapps, form, submission, datastore, datastoreForm, datastoreSubmission, users, teams],
] as const;

export const router = createRouter({
  routeTree: root.addChildren([signIn, entry, frame.addChildren(pages)]),
  context: { queryClient },
  defaultPreload: 'intent',
  defaultPreloadDelay: 40,
  defaultPendingComponent: PageWaiting,
  defaultErrorComponent: PageFault,
  defaultNotFoundComponent: Lost,
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
