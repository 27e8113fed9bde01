//! How long the latest tasks of a handler took, and what of it is held.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::{Error, Result};
use model::limits;
use store::triggers::{self, Filter};
use store::{Tx, runs, tasks};

/// Tasks whose durations are told.
const TASKS_MAX: i64 = 100;
/// Paused triggers that are looked at: people pause them one by one.
const TRIGGERS_MAX: i64 = 1_000;

/// What is known about a handler's work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Milliseconds that each of its latest tasks took, the latest first; at most 100.
    pub tasks_ms: Vec<i64>,
    /// Triggers at nodes of it that a person holds.
    pub paused_triggers: usize,
}

impl Workflows {
    /// How long the latest tasks of a handler in the space took, and how many triggers at nodes of
    /// it are paused.
    ///
    /// # Errors
    /// The store's.
    pub async fn durations(&self, actor: &Actor, definition: &str) -> Result<Durations> {
        let (space, id) = (actor.space_id.clone(), definition.to_owned());
        let filter = Filter { status: Some("Paused".into()), ..Filter::default() };
        let found = self.inner.store.read(move |tx: &mut Tx| {
            let among = limits::TASKS_SEARCHED_MAX;
            let tasks_ms = tasks::durations(tx, &space, &id, among, TASKS_MAX)?;
            let mut held = Vec::new();
            for trigger in triggers::list(tx, &space, &filter, TRIGGERS_MAX)? {
                let run = runs::by_id(tx, &space, trigger.run_id)?;
                held.extend(run.map(|run| (run.tree_version_id, trigger.node_id)));
            }
            Ok::<_, Error>((tasks_ms, held))
        });
        let (tasks_ms, held) = found.await?;
        let mut durations = Durations { tasks_ms, paused_triggers: 0 };
        for (version, node) in held {
            let planned = self.inner.plans.get(&self.inner.store, version).await?;
            let node = planned.as_ref().and_then(|planned| planned.plan.node(&node));
            durations.paused_triggers +=
                usize::from(node.is_some_and(|node| node.definition_id == definition));
        }
        Ok(durations)
    }
}
