//! The HTTP API: one route table, authentication, documents, errors, OpenAPI.
//!
//! [`router::router`] is the table; a row leads to a handler in the module of its resource, which
//! reads the request ([`input`], [`include`]), asks the engine, and writes the record's document.
//! Nothing is decided here: what is allowed and what a change means is the engines' business.

mod app;
mod approvals;
pub mod auth;
mod connections;
mod dashboard;
mod delivery;
pub mod error;
mod events;
mod forms;
mod front;
mod health;
pub mod include;
pub mod input;
pub mod inside;
mod inspect;
mod inspectors;
mod kapps;
mod lanes;
pub mod list;
mod memberships;
mod meta;
pub mod metrics;
pub mod notices;
pub mod openapi;
mod recoveries;
mod retention;
pub mod router;
mod send_tests;
mod sign_in;
mod signing_keys;
mod spaces;
mod stream;
mod submissions;
mod task;
mod teams;
mod unread;
mod users;
mod version;
mod web_apis;
mod webhook_jobs;
mod webhooks;
mod workflows;

pub use app::{App, Engines, Settings};
pub use version::SERVER_VERSION;
