//! Events to webhook jobs, and jobs to their targets: filters, delivery, the outbound guard.

pub mod guard;
pub mod send;
