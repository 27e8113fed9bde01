-- Request inspectors, and the requests they recorded. Counts and bytes are kept on the inspector,
-- so that a request never counts the others.

CREATE TABLE inspectors (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  name TEXT NOT NULL,
  token TEXT NOT NULL UNIQUE,
  status BIGINT NOT NULL,
  headers TEXT NOT NULL,
  body TEXT NOT NULL,
  delay_ms BIGINT NOT NULL,
  request_count BIGINT NOT NULL,
  request_bytes BIGINT NOT NULL,
  last_request_at BIGINT,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX inspectors_name ON inspectors (space_id, name);

CREATE TABLE inspections (
  id TEXT PRIMARY KEY,
  inspector_id TEXT NOT NULL REFERENCES inspectors (id) ON DELETE CASCADE,
  space_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BYTEA NOT NULL,
  size BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  address TEXT NOT NULL,
  job_id TEXT,
  signature TEXT NOT NULL
);
CREATE INDEX inspections_recent ON inspections (inspector_id, at, id);
CREATE INDEX inspections_age ON inspections (at, id);
