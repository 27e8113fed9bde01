-- Trees that start by the clock, and trees that answer requests.
CREATE TABLE schedules (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  tree_group TEXT NOT NULL,
  tree TEXT NOT NULL,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  data TEXT NOT NULL,
  enabled BOOLEAN NOT NULL,
  next_at BIGINT,
  last_at BIGINT,
  last_run_id BIGINT,
  last_message TEXT,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX schedules_name ON schedules (space_id, name);
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE web_apis (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  kapp_slug TEXT NOT NULL,
  slug TEXT NOT NULL,
  method TEXT NOT NULL,
  security_policies TEXT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX web_apis_slug ON web_apis (space_id, kapp_slug, slug);
