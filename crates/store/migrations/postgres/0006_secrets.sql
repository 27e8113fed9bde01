-- Secrets sealed by the vault: signing keys of a space, the proof of the master key, and how the
-- requests of a webhook are made.
CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  sealed TEXT NOT NULL,
  public_key TEXT,
  retires_at BIGINT,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE INDEX signing_keys_space ON signing_keys (space_id);

CREATE TABLE vault (
  name TEXT PRIMARY KEY,
  sealed TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);

ALTER TABLE webhooks ADD COLUMN request TEXT;
