//! The nouns of Kapok: ids, entities, the event catalogue, state machines, limits.
