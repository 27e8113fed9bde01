//! The use cases on both databases, with an outbox that remembers what was fired.

#![allow(
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "tests meet the real world, stop at the first surprise and take literals"
)]

mod forms;
mod people;
mod sign_in;
mod spaces;
mod submissions;
mod submissions_list;
mod world;
