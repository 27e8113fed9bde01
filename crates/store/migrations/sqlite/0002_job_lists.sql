-- Lists of jobs by scope and by record read a page, not a history.

-- The space's own jobs are few among many.
CREATE INDEX jobs_of_space ON jobs (space_id, scheduled_at, id) WHERE kapp_id IS NULL;
CREATE INDEX jobs_of_kapp ON jobs (kapp_id, scheduled_at, id) WHERE kapp_id IS NOT NULL;
-- People look records up by key: slug, username, or a submission's id.
DROP INDEX jobs_parent;
CREATE INDEX jobs_record ON jobs (space_id, parent_key, scheduled_at, id);
