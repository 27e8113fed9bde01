//! The server: command line, configuration, wiring, telemetry, the embedded console.
//!
//! A library beside the binary, so that tests start the very server they test, on a real socket
//! and in their own process ([`serve::start`]).

mod backup;
pub mod cli;
mod client;
pub mod config;
mod connections;
mod console;
mod demo;
mod doctor;
mod expressions;
mod housekeeping;
mod life;
mod linger;
pub mod output;
mod proxies;
mod secrets;
pub mod serve;
mod smtp;
mod telemetry;
mod wiring;
