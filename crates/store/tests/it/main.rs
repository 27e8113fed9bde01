//! The port's conformance suite.
#![allow(clippy::disallowed_methods, reason = "tests meet the real world")]

mod smoke;
