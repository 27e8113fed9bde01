//! Events to webhook jobs, and jobs to their targets: filters, delivery, the outbound guard.
