-- The first schema. Times are microseconds since 1970 (UTC), ids are UUIDs as text, documents are
-- JSON as text, booleans are 0 and 1.

CREATE TABLE spaces (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  attributes TEXT NOT NULL,
  properties TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);

CREATE TABLE kapps (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  attributes TEXT NOT NULL,
  properties TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX kapps_slug ON kapps (space_id, slug);

-- kapp_id is empty for a datastore form. An archived form frees its slug.
CREATE TABLE forms (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  kapp_id TEXT REFERENCES kapps (id),
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  kind TEXT,
  description TEXT,
  notes TEXT,
  anonymous BOOLEAN NOT NULL,
  label_expression TEXT,
  attributes TEXT NOT NULL,
  pages TEXT NOT NULL,
  properties TEXT NOT NULL,
  restoration_token TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX forms_slug ON forms (space_id, coalesce(kapp_id, ''), slug)
  WHERE restoration_token IS NULL;

CREATE TABLE submissions (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL,
  kapp_id TEXT,
  form_id TEXT NOT NULL REFERENCES forms (id),
  handle TEXT NOT NULL,
  core_state TEXT NOT NULL,
  current_page TEXT,
  label TEXT NOT NULL,
  kind TEXT,
  origin_id TEXT,
  parent_id TEXT,
  session_token TEXT,
  field_values TEXT NOT NULL,
  submitted_at BIGINT, submitted_by TEXT,
  closed_at BIGINT, closed_by TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE INDEX submissions_form ON submissions (form_id, created_at, id);
CREATE INDEX submissions_kapp ON submissions (kapp_id, created_at, id);
CREATE INDEX submissions_handle ON submissions (space_id, handle);

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  username TEXT NOT NULL,
  display_name TEXT,
  email TEXT,
  enabled BOOLEAN NOT NULL,
  space_admin BOOLEAN NOT NULL,
  password_hash TEXT,
  invited_by TEXT,
  attributes TEXT NOT NULL,
  profile_attributes TEXT NOT NULL,
  properties TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (space_id, username);

CREATE TABLE teams (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  name TEXT NOT NULL,
  slug TEXT NOT NULL,
  description TEXT,
  attributes TEXT NOT NULL,
  properties TEXT NOT NULL,
  restoration_token TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX teams_slug ON teams (space_id, slug) WHERE restoration_token IS NULL;

CREATE TABLE memberships (
  team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (team_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

-- Browser sessions: only the SHA-256 of the token is kept.
CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- One row for each committed change. The payload is stored here once; jobs and runs refer to it.
CREATE TABLE events (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL,
  kapp_id TEXT,
  level TEXT NOT NULL,
  type_name TEXT NOT NULL,
  event TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  entity_key TEXT NOT NULL,
  label TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  trace_id TEXT NOT NULL,
  depth BIGINT NOT NULL,
  cause_event_id TEXT,
  cause_run_id BIGINT,
  cause_task_id BIGINT,
  payload TEXT NOT NULL,
  verdicts TEXT NOT NULL
);
CREATE INDEX events_recent ON events (space_id, created_at, id);
CREATE INDEX events_type ON events (space_id, type_name, event, created_at, id);
CREATE INDEX events_entity ON events (entity_id, created_at);
CREATE INDEX events_cause ON events (cause_event_id) WHERE cause_event_id IS NOT NULL;
CREATE INDEX events_cause_run ON events (cause_run_id) WHERE cause_run_id IS NOT NULL;

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  kapp_id TEXT REFERENCES kapps (id),
  name TEXT NOT NULL,
  type_name TEXT NOT NULL,
  event TEXT NOT NULL,
  filter TEXT NOT NULL,
  url TEXT NOT NULL,
  auth_strategy TEXT,
  enabled BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX webhooks_name ON webhooks (space_id, coalesce(kapp_id, ''), name);

-- One row whose number grows with every change of a webhook: what a decision made outside a
-- transaction checks inside it.
CREATE TABLE webhook_generations (
  space_id TEXT PRIMARY KEY REFERENCES spaces (id),
  generation BIGINT NOT NULL
);

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL,
  kapp_id TEXT,
  event_id TEXT,
  webhook_id TEXT,
  trace_id TEXT NOT NULL,
  depth BIGINT NOT NULL,
  name TEXT NOT NULL,
  type_name TEXT NOT NULL,
  event TEXT NOT NULL,
  parent_type TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  parent_key TEXT NOT NULL,
  url TEXT NOT NULL,
  state TEXT NOT NULL,
  summary TEXT,
  request_content TEXT,
  response_content TEXT,
  retry_count BIGINT NOT NULL,
  scheduled_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT,
  run_id BIGINT,
  leased_by TEXT,
  leased_until BIGINT,
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE INDEX jobs_recent ON jobs (space_id, scheduled_at, id);
CREATE INDEX jobs_open ON jobs (state, scheduled_at, id)
  WHERE state IN ('Queued', 'In Progress', 'Failed');
CREATE INDEX jobs_event ON jobs (event_id);
CREATE INDEX jobs_webhook ON jobs (webhook_id, scheduled_at, id);
CREATE INDEX jobs_parent ON jobs (parent_id, scheduled_at);

CREATE TABLE attempts (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  duration_ms DOUBLE PRECISION NOT NULL,
  url TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (job_id, number)
);

CREATE TABLE sources (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  properties TEXT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX sources_name ON sources (space_id, name);

CREATE TABLE trees (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  source TEXT NOT NULL,
  tree_group TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  definition_id TEXT,
  owner_email TEXT,
  notes TEXT,
  version_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  problems TEXT NOT NULL,
  deleted BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX trees_title ON trees (space_id, source, tree_group, name)
  WHERE deleted = FALSE;
CREATE INDEX trees_definition ON trees (space_id, definition_id);

-- A version is never changed; runs keep the one they started with.
CREATE TABLE tree_versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tree_id TEXT NOT NULL REFERENCES trees (id),
  version BIGINT NOT NULL,
  format TEXT NOT NULL,
  definition TEXT NOT NULL,
  problems TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL
);
CREATE UNIQUE INDEX tree_versions_number ON tree_versions (tree_id, version);

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  space_id TEXT NOT NULL,
  tree_id TEXT NOT NULL,
  tree_version_id BIGINT NOT NULL,
  job_id TEXT,
  event_id TEXT,
  trace_id TEXT NOT NULL,
  depth BIGINT NOT NULL,
  source_record_id TEXT,
  source_data TEXT,
  state TEXT NOT NULL,
  token TEXT NOT NULL,
  engine_state TEXT NOT NULL,
  originator TEXT NOT NULL,
  leased_by TEXT,
  leased_until BIGINT,
  wake_at BIGINT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  finished_at BIGINT
);
CREATE UNIQUE INDEX runs_job ON runs (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX runs_tree ON runs (tree_id, id);
CREATE INDEX runs_open ON runs (state, id) WHERE state IN ('Running', 'Waiting', 'Error');
CREATE INDEX runs_wake ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_lease ON runs (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX runs_record ON runs (source_record_id) WHERE source_record_id IS NOT NULL;
CREATE INDEX runs_event ON runs (event_id) WHERE event_id IS NOT NULL;

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  seq BIGINT NOT NULL,
  token TEXT NOT NULL,
  branch_id BIGINT NOT NULL,
  node_id TEXT NOT NULL,
  node_name TEXT NOT NULL,
  definition_id TEXT NOT NULL,
  loop_index TEXT NOT NULL,
  status TEXT NOT NULL,
  deferred BOOLEAN NOT NULL,
  inputs TEXT NOT NULL,
  results TEXT NOT NULL,
  deferred_results TEXT NOT NULL,
  connectors TEXT NOT NULL,
  messages TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT
);
CREATE UNIQUE INDEX tasks_run ON tasks (run_id, seq);
CREATE UNIQUE INDEX tasks_token ON tasks (token);

CREATE TABLE triggers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  action TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  node_id TEXT NOT NULL,
  node_name TEXT NOT NULL,
  loop_index TEXT NOT NULL,
  branch_id BIGINT NOT NULL,
  originator TEXT NOT NULL,
  scheduled_at BIGINT,
  token TEXT,
  results TEXT NOT NULL,
  message TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX triggers_run ON triggers (run_id, id);
CREATE INDEX triggers_due ON triggers (scheduled_at, id) WHERE status = 'New';

CREATE TABLE errors (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  trigger_id BIGINT,
  task_seq BIGINT,
  node_id TEXT,
  active BOOLEAN NOT NULL,
  kind TEXT NOT NULL,
  summary TEXT NOT NULL,
  detail TEXT NOT NULL,
  resolution TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX errors_run ON errors (run_id, id);
CREATE INDEX errors_active ON errors (active, id) WHERE active = TRUE;
