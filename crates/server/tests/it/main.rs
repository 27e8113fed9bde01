//! The server over a real socket, on both databases: a file for each resource, and the promises
//! that hold for all of them.

#![allow(clippy::disallowed_methods, reason = "tests meet the real world")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]
#![allow(unreachable_pub, reason = "one binary")]

mod access;
mod approvals;
mod commands;
mod connections;
mod corpus;
mod databases;
mod demo;
mod edge;
mod forms;
mod handlers;
mod harness;
mod imports;
mod input;
mod inspectors;
mod kapps;
mod mail;
mod metrics;
mod people;
mod process;
mod recovery;
mod restored;
mod retention;
mod rows;
mod sessions;
mod signing;
mod stop;
mod stream;
mod submissions;
mod task_routes;
mod thread;
mod webhooks;
mod workflows;
