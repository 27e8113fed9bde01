-- Notices about webhooks: what a space was told, and which webhooks are in trouble at present.

-- One row for each webhook that fails or was disabled. Whoever writes or deletes it tells.
CREATE TABLE webhook_troubles (
  webhook_id TEXT PRIMARY KEY REFERENCES webhooks (id) ON DELETE CASCADE,
  space_id TEXT NOT NULL,
  since BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  is_disabled BOOLEAN NOT NULL,
  error_class TEXT,
  message TEXT NOT NULL,
  job_id TEXT NOT NULL
);

CREATE TABLE notices (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  webhook TEXT NOT NULL,
  message TEXT NOT NULL,
  event_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  mail_to TEXT NOT NULL,
  mail TEXT NOT NULL,
  mail_tries BIGINT NOT NULL DEFAULT 0,
  mail_due_at BIGINT,
  mail_error TEXT
);
CREATE INDEX notices_recent ON notices (space_id, at, id);
CREATE INDEX notices_mail ON notices (mail_due_at) WHERE mail = 'Waiting';

-- When and whom a space wants to be told; empty: as by default.
ALTER TABLE delivery_settings ADD COLUMN notices TEXT;
