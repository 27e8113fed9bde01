//! Spaces, kapps, forms, submissions, users, teams: decides changes and records their events.
