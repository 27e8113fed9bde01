-- The events of one change differ in the first part of their payload only. One of them keeps all of
-- it; the others keep their first part, and from which character on the rest is that one's.
ALTER TABLE events ADD COLUMN payload_of TEXT;
ALTER TABLE events ADD COLUMN payload_from BIGINT;
-- Events are looked for by what people call a record, never by its id.
DROP INDEX events_entity;
CREATE INDEX events_key ON events (entity_key, created_at);
