-- Retention: what of a history was removed, how far purging has come, and what history takes up;
-- and what a database that was restored waits for.

-- When retention removed the payload of a row that stays.
ALTER TABLE events ADD COLUMN payload_removed_at BIGINT;
ALTER TABLE jobs ADD COLUMN payload_removed_at BIGINT;
-- Finished runs by age; a run that is not finished never enters it.
CREATE INDEX runs_finished ON runs (space_id, finished_at, id) WHERE finished_at IS NOT NULL;

-- How far purging and measuring have come in a space, as JSON.
CREATE TABLE retention_progress (
  space_id TEXT PRIMARY KEY REFERENCES spaces (id),
  state TEXT NOT NULL
);

-- What history takes up, about, for each hour since 1970 in which it came into being.
CREATE TABLE retention_sizes (
  space_id TEXT NOT NULL REFERENCES spaces (id),
  kind TEXT NOT NULL,
  hour BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  row_bytes BIGINT NOT NULL,
  payload_bytes BIGINT NOT NULL,
  PRIMARY KEY (space_id, kind, hour)
);

-- What one node does for all of them. Whoever holds a duty proves it in every transaction.
CREATE TABLE duties (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  held_until BIGINT NOT NULL,
  epoch BIGINT NOT NULL
);

-- The life of this database: its name, and a number that only grows and is also kept outside of
-- it. A copy that is put in its place is known by a number that is too low.
CREATE TABLE lives (
  slot BIGINT PRIMARY KEY CHECK (slot = 1),
  id TEXT NOT NULL,
  beat BIGINT NOT NULL
);

-- What waits in a space because the database was restored, until somebody decides.
CREATE TABLE restorations (
  space_id TEXT PRIMARY KEY REFERENCES spaces (id),
  restored_at BIGINT NOT NULL,
  reason TEXT NOT NULL,
  are_jobs_held BOOLEAN NOT NULL,
  are_runs_held BOOLEAN NOT NULL
);

-- Purging leaves a hundredth of a table behind at most before its room is used again; the default
-- of a fifth would be millions of rows.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.01,
  toast.autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.01,
  toast.autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE attempts SET (autovacuum_vacuum_scale_factor = 0.01,
  toast.autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE runs SET (autovacuum_vacuum_scale_factor = 0.01,
  toast.autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE tasks SET (autovacuum_vacuum_scale_factor = 0.01,
  toast.autovacuum_vacuum_scale_factor = 0.01);
