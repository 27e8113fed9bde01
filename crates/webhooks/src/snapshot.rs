//! The webhooks of a space, compiled, as of one generation.
//!
//! A snapshot is read once and kept until a write here, or a transaction that finds the generation
//! moved, drops it. Deciding from an old snapshot is harmless: the transaction that would record
//! the decision checks the generation and asks for another one.

use expr::js::{Filter, Template};
use model::id::{SpaceId, WebhookId};
use model::webhook::Webhook;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Store;

/// Spaces whose webhooks are kept in memory.
const SPACES_MAX: usize = 1_000;
/// An evaluation that takes longer is a slow one.
const SLOW: Duration = Duration::from_millis(5);
/// After so many slow evaluations in a row the next is done elsewhere.
const SLOW_IN_A_ROW: u32 = 3;

pub(crate) struct Snapshot {
    pub(crate) generation: i64,
    pub(crate) webhooks: Vec<Compiled>,
}

/// A webhook with its expressions compiled.
pub(crate) struct Compiled {
    pub(crate) webhook: Webhook,
    /// The mistake's words when it does not compile: a text that an older version let pass.
    pub(crate) filter: Result<Filter, String>,
    pub(crate) url: Result<Template, String>,
    /// Whether an expression mentions `identity`, which is not part of the payload.
    pub(crate) wants_identity: bool,
    /// How many evaluations in a row were slow.
    slow: AtomicU32,
}

impl Compiled {
    pub(crate) fn new(webhook: Webhook) -> Self {
        let filter = Filter::compile(&webhook.filter).map_err(|e| e.to_string());
        let url = Template::compile(&webhook.url).map_err(|e| e.to_string());
        let wants_identity =
            webhook.filter.contains("identity") || webhook.url.contains("identity");
        Self { webhook, filter, url, wants_identity, slow: AtomicU32::new(0) }
    }
}

impl Compiled {
    /// Notes how long an evaluation took. One alone says nothing: on a busy machine any may be
    /// interrupted for a while.
    pub(crate) fn took(&self, time: Duration) {
        if time > SLOW {
            self.slow.fetch_add(1, Ordering::Relaxed);
        } else if self.slow.load(Ordering::Relaxed) > 0 {
            self.slow.store(0, Ordering::Relaxed);
        }
    }

    /// Whether its expressions should run where blocking does no harm.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed) >= SLOW_IN_A_ROW
    }
}

impl Snapshot {
    /// Finds a webhook by its id.
    pub(crate) fn by_id(&self, id: &WebhookId) -> Option<&Compiled> {
        self.webhooks.iter().find(|c| c.webhook.id == *id)
    }
}

#[derive(Default)]
pub(crate) struct Snapshots {
    kept: Mutex<HashMap<SpaceId, Arc<Snapshot>>>,
}

impl Snapshots {
    /// The kept snapshot of a space, or a new one.
    pub(crate) async fn of(
        &self,
        store: &Store,
        space: &SpaceId,
    ) -> Result<Arc<Snapshot>, store::Error> {
        if let Some(known) = self.lock().get(space) {
            return Ok(known.clone());
        }
        let id = space.clone();
        // The generation is read first: should a webhook change in between, the snapshot is taken
        // for older than it is and refused in time, never the other way round.
        let (generation, webhooks) = store
            .read(move |tx| {
                let generation = store::webhooks::generation(tx, &id)?;
                Ok::<_, store::Error>((generation, store::webhooks::of_space(tx, &id)?))
            })
            .await?;
        let webhooks = webhooks.into_iter().map(Compiled::new).collect();
        let snapshot = Arc::new(Snapshot { generation, webhooks });
        let mut kept = self.lock();
        if kept.len() >= SPACES_MAX {
            kept.clear();
        }
        let newer = kept.get(space).is_some_and(|known| known.generation > generation);
        if !newer {
            kept.insert(space.clone(), snapshot.clone());
        }
        Ok(snapshot)
    }

    /// Drops what is kept of a space, up to and including a generation.
    pub(crate) fn forget(&self, space: &SpaceId, generation: i64) {
        let mut kept = self.lock();
        if kept.get(space).is_some_and(|known| known.generation <= generation) {
            kept.remove(space);
        }
    }

    /// Drops what is kept of a space.
    pub(crate) fn forget_all(&self, space: &SpaceId) {
        self.lock().remove(space);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SpaceId, Arc<Snapshot>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
