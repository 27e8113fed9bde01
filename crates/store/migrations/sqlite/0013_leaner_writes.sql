-- A list of three or more in an index's condition makes SQLite build a table for it in each
-- statement that writes a row. Written out it is three comparisons; what asks for one of the
-- states by name finds the index by itself.
DROP INDEX jobs_open;
CREATE INDEX jobs_open ON jobs (state, scheduled_at, id)
  WHERE state = 'Queued' OR state = 'In Progress' OR state = 'Failed';
