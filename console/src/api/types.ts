// The shapes the server sends, as far as the console reads them.

import type { Overrides } from './delivery';
import type { RequestOptions } from './webhooks';

export interface Details {
  createdAt?: string;
  createdBy?: string;
  updatedAt?: string;
  updatedBy?: string;
}

export interface Attribute {
  name: string;
  values: string[];
}

export interface Me {
  username: string;
  displayName?: string;
  email?: string;
  spaceAdmin?: boolean;
  space?: { name: string; slug: string };
}

export interface Kapp extends Details {
  name: string;
  slug: string;
  status?: string;
}

/* Forms */

export type RenderType =
  'text' | 'dropdown' | 'radio' | 'checkbox' | 'date' | 'datetime' | 'time' | 'attachment';

export type ElementChoice = string | { label: string; value: string };

export interface FieldElement {
  type: 'field';
  name: string;
  key?: string;
  label?: string;
  dataType?: string;
  renderType?: RenderType;
  required?: boolean | string;
  requiredMessage?: string | null;
  visible?: boolean | string;
  enabled?: boolean | string;
  defaultValue?: unknown;
  pattern?: { regex: string; message?: string } | null;
  rows?: number | null;
  choices?: ElementChoice[] | null;
  renderAttributes?: Record<string, unknown>;
}

export interface SectionElement {
  type: 'section';
  name?: string;
  title?: string;
  visible?: boolean | string;
  elements: Element[];
}

export interface ButtonElement {
  type: 'button';
  name?: string;
  label?: string;
  renderType?: string;
  visible?: boolean | string;
}

export interface ContentElement {
  type: 'content';
  name?: string;
  renderType?: string;
  text?: string;
  visible?: boolean | string;
}

export type Element = FieldElement | SectionElement | ButtonElement | ContentElement;

export interface Page {
  name: string;
  type?: string;
  renderType?: 'submittable' | 'confirmation';
  elements: Element[];
}

export interface Form extends Details {
  name: string;
  slug: string;
  description?: string | null;
  status?: string;
  type?: string | null;
  anonymous?: boolean;
  pages?: Page[];
  kapp?: Kapp;
}

export type CoreState = 'Draft' | 'Submitted' | 'Closed';

export interface Submission extends Details {
  id: string;
  handle?: string;
  label?: string;
  coreState: CoreState;
  currentPage?: string | null;
  submittedAt?: string | null;
  submittedBy?: string | null;
  closedAt?: string | null;
  closedBy?: string | null;
  values?: Record<string, unknown>;
  form?: Form;
}

/* Events, webhooks, jobs */

export type VerdictKind =
  'fired' | 'not_matched' | 'filter_error' | 'url_error' | 'depth_limit' | 'disabled';

export interface EventSummary {
  /** When retention removed its payload. */
  payloadRemovedAt?: string | null;
  id: string;
  type: string;
  event: string;
  level?: string;
  kappSlug?: string | null;
  entityType?: string;
  entityKey?: string;
  label?: string | null;
  actor?: string | null;
  createdAt: string;
  depth?: number;
  traceId?: string;
  verdicts?: { fired: number; notMatched: number; errors: number };
  jobs?: number;
}

export interface Verdict {
  webhookId?: string | null;
  webhook: string;
  scope?: string;
  kappSlug?: string | null;
  verdict: VerdictKind;
  message?: string | null;
  jobId?: string | null;
}

export interface EventDetail extends Omit<EventSummary, 'verdicts' | 'jobs'> {
  payload?: unknown;
  changes?: unknown;
  verdicts: Verdict[];
  jobs: WebhookJob[];
  runs: { id: number | string; tree?: string; status?: string }[];
  cause?: {
    eventId?: string | null;
    runId?: number | string | null;
    taskId?: string | null;
  } | null;
  caused?: EventSummary[];
}

export interface Webhook extends Details {
  id?: string;
  name: string;
  type: string;
  event: string;
  filter?: string | null;
  url: string;
  enabled?: boolean;
  /** Whether its jobs wait until somebody resumes it. */
  paused?: boolean;
  /** Why the server switched it off, when it did. */
  disabledReason?: string | null;
  delivery?: Overrides | null;
  request?: RequestOptions | null;
}

export type JobStatus = 'Queued' | 'In Progress' | 'Complete' | 'Failed' | 'Cancelled';

export interface WebhookJob extends Details {
  id: string;
  name: string;
  webhookId?: string | null;
  type: string;
  event: string;
  url: string;
  status: JobStatus;
  summary?: string | null;
  requestContent?: string | null;
  responseContent?: string | null;
  /** When retention removed what was sent and received. */
  payloadRemovedAt?: string | null;
  retryCount: number;
  scheduledAt?: string | null;
  scopeType?: string;
  scopeId?: string;
  kappSlug?: string | null;
  parentId?: string | null;
  attempts?: Attempt[];
  runId?: number | string | null;
  eventId?: string | null;
  traceId?: string | null;
  nextAttemptAt?: string | null;
  startedAt?: string | null;
  finishedAt?: string | null;
  timeline?: Moment[];
  /** The recovery that sent it again, made it or called it off last. */
  recoveryId?: string | null;
}

/** A change of a job's state, or what it waits for now. */
export interface Moment {
  at: string;
  state: string;
  reason?: string | null;
  actor?: string | null;
  attempt?: number | null;
}

/** How many jobs there are by status; inexact numbers are "at least". */
export interface JobCounts {
  all: number;
  queued: number;
  inProgress: number;
  failed: number;
  max: number;
  isExact: boolean;
}

export interface Attempt {
  number: number;
  startedAt: string;
  durationMs?: number | null;
  dnsMs?: number | null;
  connectMs?: number | null;
  tlsMs?: number | null;
  firstByteMs?: number | null;
  url?: string;
  address?: string | null;
  requestHeaders?: Headers_ | null;
  requestBody?: string | null;
  responseStatus?: number | null;
  responseHeaders?: Headers_ | null;
  responseBody?: string | null;
  errorClass?: string | null;
  error?: string | null;
  signature?: SignatureCheck;
}

/** Each signature of a request against the keys that are known now. */
export interface SignatureCheck {
  ok: boolean;
  reason?: string | null;
  checked: {
    kind: string;
    signature: string;
    ok: boolean;
    keyId?: string | null;
    keyState?: string | null;
  }[];
}

/** Headers as a map or as pairs, whichever the server kept. */
export type Headers_ =
  Record<string, string> | [string, string][] | { name: string; value: string }[];

export interface FilterTest {
  eventId: string;
  verdict: VerdictKind;
  value?: unknown;
  message?: string | null;
  url?: string | null;
  payload?: unknown;
  /** What would go out, once headers, format and template had their say. */
  request?: { headers?: Headers_ | null; body?: string | null } | null;
}

/* Workflows */

export interface Source {
  name: string;
  status?: string;
  type?: string;
}

export interface TreeProblem {
  node?: string | null;
  nodeId?: string | null;
  place?: string | null;
  parameter?: string | null;
  message: string;
  severity?: string;
  line?: number | null;
  column?: number | null;
}

export interface TreeNodeJson {
  id: string;
  name: string;
  definitionId: string;
  deferrable?: boolean;
  defers?: boolean;
  position?: { x: number; y: number };
  parameters?: { id: string; value?: string | null; label?: string; required?: boolean }[];
  messages?: { type: string; value?: string }[];
}

export interface TreeConnectorJson {
  from: string;
  to: string;
  type?: string;
  label?: string | null;
  value?: string | null;
}

export interface TreeJson {
  name?: string;
  notes?: string | null;
  nodes: TreeNodeJson[];
  connectors: TreeConnectorJson[];
}

export interface Tree extends Details {
  id?: number | string;
  guid?: string;
  title?: string;
  sourceName?: string;
  sourceGroup?: string;
  name: string;
  type?: string;
  status?: string;
  notes?: string | null;
  versionId?: string;
  problems?: TreeProblem[];
  problemCount?: number;
  treeJson?: TreeJson | string;
}

export interface TaskRecord {
  id: number | string;
  /** Its number in the run. */
  seq?: number;
  branchId?: string | number | null;
  nodeId: string;
  nodeName: string;
  definitionId?: string;
  status: string;
  duration?: number | null;
  loopIndex?: string | null;
  /** Whether it waits for somebody to complete it by its token. */
  deferred?: boolean;
  token?: string | null;
  results?: Record<string, unknown> | null;
  deferredResults?: Record<string, unknown> | null;
  /** Parameters as evaluated. */
  inputs?: Record<string, unknown> | null;
  parameters?: Record<string, unknown> | null;
  messages?: unknown[];
  startedAt?: string;
  finishedAt?: string | null;
  createdAt?: string;
  updatedAt?: string;
}

export type NodeState = 'none' | 'running' | 'waiting' | 'complete' | 'error' | 'skipped';

export interface RunViewNode {
  id: string;
  name: string;
  definitionId: string;
  x?: number | null;
  y?: number | null;
  state: NodeState;
  parameters?: { id: string; label?: string; value?: string | null }[];
  tasks?: TaskRecord[];
}

export interface RunViewConnector {
  from: string;
  to: string;
  type?: string;
  label?: string | null;
  value?: string | null;
  taken?: boolean | null;
  evaluated?: unknown;
}

export interface WaitingFor {
  kind: 'deferral' | 'timer' | 'retry' | 'child' | 'error' | string;
  node?: string | null;
  nodeId?: string | null;
  since?: string | null;
  until?: string | null;
  token?: string | null;
  message?: string | null;
  /** The run that is waited for. */
  runId?: number | null;
}

export interface RunView {
  tree?: string;
  nodes: RunViewNode[];
  connectors: RunViewConnector[];
  waitingFor?: WaitingFor[];
  errors?: ViewError[];
  jobId?: string | null;
  eventId?: string | null;
  traceId?: string | null;
}

/** An error as the picture knows it. */
export interface ViewError {
  id: number;
  type: string;
  status: string;
  nodeId?: string | null;
  taskSeq?: number | null;
  summary?: string | null;
  resolution?: { action?: string; note?: string; by?: string } | null;
  createdAt: string;
}

export interface Run extends Details {
  id: number | string;
  /** The documented status, which calls a waiting run Started. */
  status: string;
  /** Running, Waiting, Error, Complete or Cancelled. */
  state?: string;
  sourceId?: string | null;
  sourceData?: string | null;
  tree?: Tree;
  source?: Source;
  view?: RunView;
  jobId?: string | null;
  eventId?: string | null;
  traceId?: string | null;
  originatingId?: string | null;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  /** The run that started it, and whether that one waits for it. */
  parent?: { id: number; taskSeq?: number; waits?: boolean } | null;
  /** The runs it has started, at most 1,000. */
  children?: Run[];
  startedAt?: string;
  finishedAt?: string | null;
}

export interface TaskError {
  id: number | string;
  status: string;
  type: string;
  summary?: string | null;
  text?: string | null;
  createdAt?: string;
  updatedAt?: string;
  nodeId?: string | null;
  taskSeq?: number | null;
  resolution?: { action?: string; note?: string; by?: string; at?: string } | null;
  run?: { id: number | string; tree?: Tree } | null;
  actions?: string[];
}

/* People */

export interface User extends Details {
  username: string;
  displayName?: string | null;
  email?: string | null;
  enabled?: boolean;
  spaceAdmin?: boolean;
  memberships?: { team: Team }[];
}

export interface Team extends Details {
  name: string;
  slug: string;
  description?: string | null;
  memberships?: { user: User }[];
}

/* Dashboard */

export interface SeriesPoint {
  at: string;
  complete: number;
  failed: number;
  queued: number;
  runs: number;
}

export interface Dashboard {
  status: { level: string; sentence: string };
  jobs: { queued: number; inProgress: number; failed: number; complete: number };
  runs: { running: number; waiting: number; error: number; complete: number };
  openErrors: number;
  oldestQueuedAt?: string | null;
  failingWebhooks: {
    webhook: string;
    kappSlug?: string | null;
    failed: number;
    lastError?: string | null;
  }[];
  series: SeriesPoint[];
  events24h?: number;
}
