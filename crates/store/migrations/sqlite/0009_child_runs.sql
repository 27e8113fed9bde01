-- Runs started by other runs, with inputs of their own, or under a caller's key.
ALTER TABLE runs ADD COLUMN parent_id BIGINT;
ALTER TABLE runs ADD COLUMN parent_seq BIGINT;
ALTER TABLE runs ADD COLUMN awaited BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE runs ADD COLUMN root_id BIGINT;
ALTER TABLE runs ADD COLUMN inputs TEXT;
ALTER TABLE runs ADD COLUMN start_key TEXT;
CREATE UNIQUE INDEX runs_key ON runs (tree_id, start_key) WHERE start_key IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent_id, id) WHERE parent_id IS NOT NULL;
CREATE INDEX runs_root ON runs (root_id, id) WHERE root_id IS NOT NULL;
