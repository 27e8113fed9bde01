-- What handlers and routines are sorted into, the rules that guard sources, engines that were
-- stopped, and workflows that belong to an event.
CREATE TABLE categories (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX categories_name ON categories (space_id, name);

-- A member is known by its definition id, a policy rule by its name: it may come later.
CREATE TABLE category_members (
  category_id TEXT NOT NULL REFERENCES categories (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  member TEXT NOT NULL,
  PRIMARY KEY (category_id, kind, member)
);

CREATE TABLE policy_rules (
  id TEXT PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  rule TEXT NOT NULL,
  message TEXT NOT NULL,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX policy_rules_name ON policy_rules (space_id, kind, name);

CREATE TABLE source_policy_rules (
  source_id TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
  rule_id TEXT NOT NULL REFERENCES policy_rules (id) ON DELETE CASCADE,
  PRIMARY KEY (source_id, rule_id)
);
CREATE INDEX source_policy_rules_rule ON source_policy_rules (rule_id);

-- Spaces whose engine a person has stopped.
CREATE TABLE stopped_engines (
  space_id TEXT PRIMARY KEY REFERENCES spaces (id),
  stopped_at BIGINT NOT NULL,
  stopped_by TEXT NOT NULL
);

-- The tree's id is the workflow's. A workflow whose kapp or form is gone is an orphan.
CREATE TABLE linked_workflows (
  id TEXT PRIMARY KEY REFERENCES trees (id),
  space_id TEXT NOT NULL REFERENCES spaces (id),
  kapp_id TEXT,
  form_id TEXT,
  type_name TEXT NOT NULL,
  event TEXT NOT NULL,
  filter TEXT NOT NULL
);
CREATE INDEX linked_workflows_space ON linked_workflows (space_id);

-- Nodes that people schedule are looked for each second, past whatever else is due.
CREATE INDEX triggers_by_hand ON triggers (scheduled_at, id)
  WHERE status = 'New' AND kind = 'Manual';
