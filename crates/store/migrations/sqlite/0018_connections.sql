-- Connections to other systems and their operations. Exported trees name both by id, and an import
-- keeps the ids, so ids are unique within a space.

CREATE TABLE connections (
  space_id TEXT NOT NULL REFERENCES spaces (id),
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  documentation_link TEXT NOT NULL,
  config TEXT NOT NULL,
  secrets TEXT NOT NULL,
  lock_version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL,
  PRIMARY KEY (space_id, id)
);
CREATE UNIQUE INDEX connections_name ON connections (space_id, name);

CREATE TABLE operations (
  space_id TEXT NOT NULL,
  id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  name TEXT NOT NULL,
  notes TEXT NOT NULL,
  documentation_link TEXT NOT NULL,
  config TEXT NOT NULL,
  outputs TEXT NOT NULL,
  inputs TEXT NOT NULL,
  lock_version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL,
  PRIMARY KEY (space_id, id),
  FOREIGN KEY (space_id, connection_id) REFERENCES connections (space_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX operations_name ON operations (space_id, connection_id, name);
