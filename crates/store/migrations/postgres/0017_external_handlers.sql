-- Kinds of nodes that a space defines, whose work is done at a URL of its own.
CREATE TABLE external_handlers (
  space_id TEXT NOT NULL REFERENCES spaces (id),
  definition_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  is_active BOOLEAN NOT NULL,
  parameters TEXT NOT NULL,
  results TEXT NOT NULL,
  url TEXT NOT NULL,
  effect TEXT NOT NULL,
  timeout_seconds BIGINT NOT NULL,
  sealed TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL,
  PRIMARY KEY (space_id, definition_id)
);
