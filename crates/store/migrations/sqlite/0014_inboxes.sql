-- What waits for the engine in a run's inbox, found without looking at all that was taken before.
CREATE INDEX triggers_inbox ON triggers (run_id, id)
  WHERE status = 'New' AND scheduled_at IS NULL;
