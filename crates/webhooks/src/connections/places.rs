//! How many statements run at once through each connection to a database, on this node.

use model::connection::Connection;
use model::id::{ConnectionId, SpaceId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type Key = (SpaceId, ConnectionId);

/// The places of every connection that is in use, with how many there are.
#[derive(Default)]
pub(crate) struct Places {
    taken: Mutex<HashMap<Key, (usize, Arc<Semaphore>)>>,
}

impl Places {
    /// Waits for one of the `size` places of a connection, which is free again when it is dropped.
    /// A size that was changed meanwhile holds for new calls; those under way are not counted.
    pub(super) async fn take(
        &self,
        connection: &Connection,
        size: usize,
    ) -> Option<OwnedSemaphorePermit> {
        let places = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever waits or works holds the places, too.
            taken.retain(|_, (_, places)| Arc::strong_count(places) > 1);
            let key = (connection.space_id.clone(), connection.id.clone());
            match taken.get(&key) {
                Some((known, places)) if *known == size => places.clone(),
                _ => {
                    let places = Arc::new(Semaphore::new(size));
                    taken.insert(key, (size, places.clone()));
                    places
                }
            }
        };
        places.acquire_owned().await.ok()
    }
}
