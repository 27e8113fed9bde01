-- A run's inbox is read past the timers of its tasks: what people scheduled stands in it too, so that
-- one reading needs one index.
DROP INDEX triggers_inbox;
CREATE INDEX triggers_inbox ON triggers (run_id, id)
  WHERE status = 'New' AND (scheduled_at IS NULL OR kind = 'Manual');
