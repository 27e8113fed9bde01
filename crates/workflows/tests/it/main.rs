//! The engine on real databases, on a fake clock.

#![allow(clippy::disallowed_methods, reason = "tests meet the real world")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod ahead;
mod bench;
mod children;
mod control;
mod deferrals;
mod handlers;
mod limits;
mod lives;
mod repairs;
mod schedules;
mod simulation;
mod starts;
mod trees;
mod unheard;
