-- Recoveries: many jobs sent again, made or called off, with a cursor that survives everything.

CREATE TABLE recoveries (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  mode TEXT NOT NULL,
  filter TEXT NOT NULL,
  ids TEXT,
  note TEXT,
  status TEXT NOT NULL,
  total BIGINT NOT NULL,
  is_total_exact BOOLEAN NOT NULL,
  done BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  rate_per_second DOUBLE PRECISION NOT NULL,
  cursor_at BIGINT,
  cursor_id TEXT,
  next_at BIGINT NOT NULL,
  leased_by TEXT,
  leased_until BIGINT,
  version BIGINT NOT NULL,
  message TEXT,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  finished_at BIGINT
);
CREATE INDEX recoveries_recent ON recoveries (space_id, created_at, id);
CREATE INDEX recoveries_running ON recoveries (next_at, id) WHERE status = 'Running';

-- The recovery that dealt with a job last.
ALTER TABLE jobs ADD COLUMN recovery_id TEXT;
