//! The only SQL: SQLite and PostgreSQL behind one small port.
//!
//! [`db`] is the port: a [`Store`] runs closures in transactions. The other modules are one for
//! each noun and hold free functions over a transaction, with their SQL in constants above them:
//! `webhooks::insert(tx, &webhook)?`, `webhooks::by_name(tx, space, name)?`. Not found is `None`;
//! a guarded update that found another state is `false`.

pub mod attempts;
pub mod categories;
pub mod connections;
pub mod dashboard;
pub mod db;
pub mod delivery;
pub mod duties;
pub mod errors;
pub mod events;
pub mod external_handlers;
pub mod forms;
pub mod inspectors;
pub mod job_changes;
pub mod jobs;
pub mod kapps;
pub mod linked_workflows;
pub mod lives;
pub mod memberships;
pub mod metrics;
pub mod notices;
pub mod operations;
pub mod order;
pub mod policy_rules;
pub mod recoveries;
pub mod resolutions;
pub mod restorations;
pub mod retention;
mod rows;
pub mod runs;
pub mod schedules;
pub mod sessions;
pub mod signing_keys;
pub mod sources;
pub mod spaces;
pub mod stopped_engines;
pub mod submissions;
pub mod tasks;
pub mod teams;
pub mod trees;
pub mod triggers;
pub mod users;
pub mod vault;
pub mod web_apis;
pub mod webhooks;

pub use db::{
    Dialect, Error, Lease, Limits, Options, Row, Select, Sql, Stats, Store, Tx, Unheard, Value,
    backup, check, migrations, presence,
};
