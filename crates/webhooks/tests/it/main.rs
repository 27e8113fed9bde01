//! Webhooks against real sockets and both databases.
#![allow(clippy::disallowed_methods, reason = "the receivers of the tests are the outside world")]

mod receiver;
mod send;
