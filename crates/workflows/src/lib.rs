//! The workflow engine: trees into plans, plans into runs.
//!
//! [`definition`] reads what clients send, [`plan`] compiles it and lists its mistakes, [`step`]
//! moves a run (purely), [`handlers`] is what nodes can do.

mod check;
pub mod context;
pub mod definition;
pub mod handlers;
pub mod plan;
pub mod step;
