-- Who an approval waits for, beside its values, so that everybody's list is one look into an index.
ALTER TABLE submissions ADD COLUMN assigned_user TEXT;
ALTER TABLE submissions ADD COLUMN assigned_team TEXT;
UPDATE submissions SET
  assigned_user = nullif(trim(field_values::jsonb ->> 'Assigned Individual'), ''),
  assigned_team = nullif(trim(field_values::jsonb ->> 'Assigned Team'), '')
  WHERE kind = 'Approval' AND kapp_id IS NOT NULL;
CREATE INDEX submissions_assigned_user ON submissions (assigned_user, core_state, created_at, id)
  WHERE assigned_user IS NOT NULL;
CREATE INDEX submissions_assigned_team ON submissions (assigned_team, core_state, created_at, id)
  WHERE assigned_team IS NOT NULL;
CREATE INDEX submissions_approvals ON submissions (space_id, core_state, created_at, id)
  WHERE kind = 'Approval' AND kapp_id IS NOT NULL;
