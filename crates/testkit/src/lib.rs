//! Test helpers: databases, receivers, fake time (development only).
