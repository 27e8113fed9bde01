-- A list of three in an index's condition makes SQLite build a table for it in each statement that
-- writes a run, twice in one that changes it: as for jobs, it is written out.
DROP INDEX runs_open;
CREATE INDEX runs_open ON runs (state, id)
  WHERE state = 'Running' OR state = 'Waiting' OR state = 'Error';
