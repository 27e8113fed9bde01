-- The processes that share this database. seen_at is the database's time of the last sign of life;
-- lock_key is the advisory lock that a node holds for as long as it lives, if has_lock says so.
-- gone_at: another node has found it gone and ended its leases. Only PostgreSQL has several nodes.

CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  lock_key BIGINT NOT NULL,
  has_lock BOOLEAN NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  gone_at BIGINT
);
