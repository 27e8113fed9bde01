//! Taking turns inside this process: those who are about to change the same thing wait for each
//! other instead of finding each other's change at the end and starting anew.
//!
//! This saves work and nothing more. Other nodes do not take part; what keeps changes apart is the
//! guarded update.

use std::hash::{BuildHasher, RandomState};
use tokio::sync::{Mutex, MutexGuard};

/// Places to wait in. Things that share a place wait for each other without need.
const PLACES: usize = 1_024;

/// The places.
pub(crate) struct Turns {
    hasher: RandomState,
    places: Vec<Mutex<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        let places = std::iter::repeat_with(Mutex::default).take(PLACES).collect();
        Self { hasher: RandomState::new(), places }
    }
}

impl Turns {
    /// Waits until nobody else holds the turn of `key`.
    pub(crate) async fn of(&self, key: &str) -> MutexGuard<'_, ()> {
        let place = self.hasher.hash_one(key) % PLACES as u64;
        let place = usize::try_from(place).unwrap_or_default();
        self.places.get(place).expect("the place is less than their number").lock().await
    }
}
