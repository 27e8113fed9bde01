-- Jobs tell why their last attempt failed, and the rare states are found without reading a history.

ALTER TABLE jobs ADD COLUMN error_class TEXT;
-- Few of many: only failures pay for these.
CREATE INDEX jobs_of_class ON jobs (space_id, error_class, scheduled_at, id)
  WHERE error_class IS NOT NULL;
CREATE INDEX jobs_given_up ON jobs (space_id, state, scheduled_at, id)
  WHERE state IN ('Failed', 'Cancelled');
