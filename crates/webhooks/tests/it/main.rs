//! Webhooks against real sockets and both databases.
#![allow(clippy::disallowed_methods, reason = "the receivers of the tests are the outside world")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod clock;
mod counts;
mod delivery;
mod faults;
mod holds;
mod lanes;
mod notices;
mod outbox;
mod peers;
mod purging;
mod receiver;
mod recovery;
mod requests;
mod search;
mod send;
mod signing;
mod statements;
mod unheard;
mod world;
