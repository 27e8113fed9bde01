//! Stopping and starting the engine of a space. While it is stopped, runs are still started and
//! completions still taken, but no run is claimed; outside work that is under way ends, and its
//! outcome is written.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::Result;
use model::id::SpaceId;
use runtime::changes::Topic;
use std::sync::PoisonError;
use store::runs;
use store::stopped_engines::{self, Stopped};

/// How the engine of a space stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineStatus {
    /// Who stopped it, and when; `None`: it runs.
    pub stopped: Option<Stopped>,
    /// Runs of the space that wait to be claimed.
    pub waiting: i64,
    /// Runs of all spaces that wait for a walker on this node.
    pub backlog: usize,
}

impl Workflows {
    /// How the engine of the space stands.
    ///
    /// # Errors
    /// The store's.
    pub async fn engine_status(&self, actor: &Actor) -> Result<EngineStatus> {
        let (space, now) = (actor.space_id.clone(), self.inner.runtime.now());
        let backlog = self.backlog();
        self.inner
            .store
            .read(move |tx| {
                let stopped = stopped_engines::of_space(tx, &space)?;
                Ok(EngineStatus { stopped, waiting: runs::count_due(tx, &space, now)?, backlog })
            })
            .await
    }

    /// Stops the engine of the space, on all nodes within a second; it stays so over restarts.
    ///
    /// # Errors
    /// The store's.
    pub async fn stop_engine(&self, actor: &Actor) -> Result<EngineStatus> {
        let space = actor.space_id.clone();
        let stopped = Stopped { at: self.inner.runtime.now(), by: actor.username.clone() };
        let written = self.inner.store.write(move |tx| stopped_engines::stop(tx, &space, &stopped));
        written.await?;
        self.note(&actor.space_id, true);
        self.tell_engine(actor);
        self.engine_status(actor).await
    }

    /// Starts the engine of the space again: whatever waits is claimed.
    ///
    /// # Errors
    /// The store's.
    pub async fn start_engine(&self, actor: &Actor) -> Result<EngineStatus> {
        let space = actor.space_id.clone();
        self.inner.store.write(move |tx| stopped_engines::start(tx, &space)).await?;
        self.note(&actor.space_id, false);
        self.inner.look();
        self.tell_engine(actor);
        self.engine_status(actor).await
    }

    /// Notes at once what the poller of this node would see a moment later.
    fn note(&self, space: &SpaceId, is_stopped: bool) {
        let mut known = self.inner.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if is_stopped {
            known.insert(space.clone());
        } else {
            known.remove(space);
        }
    }

    fn tell_engine(&self, actor: &Actor) {
        self.inner.changes.publish(&actor.space_id, Topic::Trees);
    }
}
