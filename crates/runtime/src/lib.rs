//! Clock, randomness, task spawning, leases and back-off: the only ambient effects.
