-- How jobs are delivered: policies, pauses, order, and what happens to jobs besides attempts.

-- One row for each space that changed how it delivers.
CREATE TABLE delivery_settings (
  space_id TEXT PRIMARY KEY REFERENCES spaces (id),
  paused BOOLEAN NOT NULL DEFAULT FALSE,
  paused_by TEXT,
  paused_at BIGINT,
  policy TEXT NOT NULL,
  retention TEXT,
  version BIGINT NOT NULL
);

ALTER TABLE webhooks ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE webhooks ADD COLUMN disabled_reason TEXT;
ALTER TABLE webhooks ADD COLUMN delivery TEXT;

-- The lane: a number made of endpoint and webhook; 0 where an older version wrote the row.
ALTER TABLE jobs ADD COLUMN lane BIGINT NOT NULL DEFAULT 0;
-- Why a queued job must not be claimed although it is due.
ALTER TABLE jobs ADD COLUMN held TEXT;
ALTER TABLE jobs ADD COLUMN order_key TEXT;
ALTER TABLE jobs ADD COLUMN coalesce_key TEXT;
-- What may be claimed, lane by lane. A job that is born leased and ends well never enters it.
CREATE INDEX jobs_due ON jobs (lane, scheduled_at, id)
  WHERE state = 'Queued' AND leased_until IS NULL AND held IS NULL;
CREATE INDEX jobs_held ON jobs (webhook_id, order_key, created_at, id) WHERE held IS NOT NULL;
CREATE INDEX jobs_coalesce ON jobs (webhook_id, coalesce_key)
  WHERE coalesce_key IS NOT NULL AND state = 'Queued';

-- The job whose turn it is, for each key of a webhook that keeps order.
CREATE TABLE order_heads (
  webhook_id TEXT NOT NULL,
  order_key TEXT NOT NULL,
  job_id TEXT NOT NULL,
  PRIMARY KEY (webhook_id, order_key)
);

-- What happened to a job that its attempts do not tell.
CREATE TABLE job_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  attempt BIGINT
);
CREATE INDEX job_changes_job ON job_changes (job_id, id);

-- What held many jobs at once, told once: a lane, a webhook, a space.
CREATE TABLE hold_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  scope TEXT NOT NULL,
  at BIGINT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL
);
CREATE INDEX hold_changes_scope ON hold_changes (scope, at);
CREATE INDEX hold_changes_age ON hold_changes (at);
