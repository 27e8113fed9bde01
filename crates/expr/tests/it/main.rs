//! Integration tests of the script engines: tables of expressions, and hostile ones.
#![allow(clippy::disallowed_methods, reason = "tests meet the real world")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod js;
mod ruby;
mod ruby_table;
