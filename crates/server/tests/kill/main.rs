//! The kill suite: real `kapok` processes under load are killed at random instants, started again,
//! and held to the ledger: nothing acknowledged is lost, nothing is done twice inside.
//!
//! Beside it stand the faults one by one (`kill/faults`), and all of them together (`kill/chaos`),
//! which `cargo xtask chaos` runs for as long as one likes.
//!
//! `cargo xtask test --only kill`; a failure prints its seed, and `KAPOK_KILL_SEED` repeats its
//! instants. `KAPOK_KILLS` changes how often each database's server is killed.
#![allow(clippy::disallowed_methods, reason = "tests meet the real world")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod client;
mod disk;
mod kill;
mod ledger;
mod load;
mod process;
mod receiver;
mod seed;
mod setup;
