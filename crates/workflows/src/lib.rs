//! The workflow engine: trees into plans, plans into runs.
//!
//! [`definition`] reads what clients send, [`plan`] compiles it and lists its mistakes, [`step`]
//! moves a run (purely), [`handlers`] is what nodes can do, [`engine`] persists and carries out.

pub mod actor;
pub mod categories;
mod check;
pub mod connections;
pub mod context;
pub mod control;
pub mod cron;
pub mod definition;
pub mod durations;
pub mod engine;
pub mod error;
pub mod errors;
pub mod externals;
pub mod handlers;
pub mod imports;
mod inputs;
pub mod linked;
pub mod packages;
mod paths;
pub mod plan;
pub mod policies;
mod references;
mod repairs;
pub mod resolutions;
pub mod restored;
pub mod runs;
pub mod schedules;
pub mod sources;
pub mod step;
mod text;
pub mod trees;
pub mod triggers;
pub mod versions;
mod view;
pub mod web_apis;

pub use actor::Actor;
pub use engine::{Options, Workflows};
pub use error::{Error, Result};
