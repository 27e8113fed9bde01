-- Decisions about many errors at once: durable, paced, and continued by any node.
CREATE TABLE resolutions (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  status TEXT NOT NULL,
  filter TEXT NOT NULL,
  action TEXT NOT NULL,
  inputs TEXT NOT NULL,
  note TEXT NOT NULL,
  total BIGINT NOT NULL,
  done BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  message TEXT,
  rate_per_second BIGINT NOT NULL,
  cursor_id BIGINT NOT NULL,
  upto_id BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  finished_at BIGINT
);
CREATE INDEX resolutions_space ON resolutions (space_id, created_at, id);
CREATE INDEX resolutions_due ON resolutions (next_at) WHERE status = 'Running';
