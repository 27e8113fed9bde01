//! Errors of runs: listed, looked at, and resolved one by one or many at once.

use crate::Workflows;
use crate::actor::Actor;
use crate::engine::Claim;
use crate::error::{Error, Result};
use crate::step::state::{ErrorKind, Resolution};
use model::id::{ErrorId, RunId, TriggerId};
use model::run::{RunError, Trigger, TriggerStatus};
use serde_json::{Map, Value, json};
use store::errors::{self, Filter};
use store::{Tx, runs, triggers};

/// Errors resolved in one transaction, so that a bulk does not hold the writer.
const RESOLVE_ROWS: usize = 50;
/// Errors that one request may resolve.
pub const RESOLVE_MAX: usize = 15_000;

/// A decision about errors.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The errors.
    pub ids: Vec<ErrorId>,
    /// What to do.
    pub action: Resolution,
    /// A note kept with them.
    pub note: String,
    /// For Retry Task: parameters that are filled in, instead of what they evaluate to.
    pub inputs: Map<String, Value>,
}

/// What became of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Errors that were dealt with.
    pub done: Vec<ErrorId>,
    /// Errors that were not, and why.
    pub refused: Vec<(ErrorId, String)>,
}

impl Workflows {
    /// Lists errors, newest first, and counts them all.
    ///
    /// # Errors
    /// The store's.
    pub async fn errors(
        &self,
        actor: &Actor,
        filter: Filter,
        limit: i64,
    ) -> Result<(Vec<RunError>, i64)> {
        let space = actor.space_id.clone();
        let both = move |tx: &mut Tx| {
            let count = errors::count(tx, &space, &filter)?;
            Ok((errors::list(tx, &space, &filter, limit)?, count))
        };
        self.inner.store.read(both).await
    }

    /// Removes an error that was dealt with.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` while it is open.
    pub async fn delete_error(&self, actor: &Actor, id: ErrorId) -> Result<RunError> {
        let error = self.error(actor, id).await?;
        if !self.inner.store.write(move |tx| errors::delete(tx, id)).await? {
            return Err(Error::Invalid(format!("The error {id} is open; resolve it first.")));
        }
        Ok(error)
    }

    /// Open errors grouped by what caused them, the largest group first.
    ///
    /// # Errors
    /// The store's.
    pub async fn error_groups(
        &self,
        actor: &Actor,
        filter: Filter,
        limit: i64,
    ) -> Result<Vec<errors::Group>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(errors::groups(tx, &space, &filter, limit)?)).await
    }

    /// An error.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn error(&self, actor: &Actor, id: ErrorId) -> Result<RunError> {
        let space = actor.space_id.clone();
        let found: Option<RunError> =
            self.inner.store.read(move |tx| Ok::<_, Error>(errors::by_id(tx, &space, id)?)).await?;
        found.ok_or_else(|| Error::not_found("error", id))
    }

    /// Resolves errors. Each is dealt with or refused for itself; a repeat refuses what is done.
    ///
    /// # Errors
    /// `Invalid` for too many, `NotFound` or `Invalid` when it was a single one.
    pub async fn resolve(&self, actor: &Actor, decision: Decision) -> Result<Resolved> {
        if decision.ids.is_empty() || decision.ids.len() > RESOLVE_MAX {
            let message = format!("Between 1 and {RESOLVE_MAX} error ids must be given.");
            return Err(Error::Invalid(message));
        }
        let mut resolved = Resolved::default();
        for ids in decision.ids.chunks(RESOLVE_ROWS) {
            let claim = self.inner.claim_at(self.inner.runtime.now());
            let part = Decision { ids: ids.to_vec(), ..decision.clone() };
            let who = actor.clone();
            let outcomes = self
                .inner
                .store
                .write(move |tx| {
                    part.ids
                        .iter()
                        .map(|id| Ok((*id, resolve_one(tx, &who, *id, &part, &claim)?)))
                        .collect::<Result<Vec<_>>>()
                })
                .await?;
            for (id, outcome) in outcomes {
                match outcome {
                    Ok(run) => {
                        resolved.done.push(id);
                        self.started(run);
                    }
                    Err(reason) => resolved.refused.push((id, reason)),
                }
            }
        }
        self.inner.changes.publish(&actor.space_id, runtime::changes::Topic::Errors);
        Ok(resolved)
    }
}

/// Resolves one error inside a transaction; the run, or why not.
pub(crate) fn resolve_one(
    tx: &mut Tx,
    actor: &Actor,
    id: ErrorId,
    decision: &Decision,
    claim: &Claim,
) -> Result<std::result::Result<RunId, String>> {
    let Some(error) = errors::by_id(tx, &actor.space_id, id)? else {
        return Ok(Err(format!("The error {id} does not exist.")));
    };
    let action = decision.action;
    let allowed = ErrorKind::parse(&error.kind).map(ErrorKind::actions).unwrap_or_default();
    if !allowed.contains(&action) {
        let allowed: Vec<&str> = allowed.iter().map(|a| a.as_str()).collect();
        return Ok(Err(format!(
            "\"{}\" does not resolve a {}; possible are: {}.",
            action.as_str(),
            error.kind,
            allowed.join(", ")
        )));
    }
    let edits = !decision.inputs.is_empty();
    if edits && action != Resolution::RetryTask {
        return Ok(Err("Inputs are edited for Retry Task only.".into()));
    }
    let mut resolution = json!({ "action": action.as_str(), "note": decision.note,
                                 "by": actor.username, "at": claim.now.iso() });
    let mut results = json!({ "error": id.0, "action": action.as_str() });
    if edits {
        resolution["inputs"] = json!(decision.inputs);
        results["inputs"] = json!(decision.inputs);
    }
    if !errors::handle(tx, id, &resolution, claim.now)? {
        return Ok(Err(format!("The error {id} was resolved before.")));
    }
    triggers::insert(
        tx,
        &Trigger {
            id: TriggerId(0),
            run_id: error.run_id,
            action: "Resolve".into(),
            kind: "Manual".into(),
            status: TriggerStatus::New,
            node_id: error.node_id.clone().unwrap_or_default(),
            node_name: String::new(),
            loop_index: "/".into(),
            branch_id: 0,
            originator: format!("Error {id} resolved by {}", actor.username),
            scheduled_at: None,
            token: None,
            results,
            message: Some(decision.note.clone()).filter(|note| !note.is_empty()),
            created_at: claim.now,
            updated_at: claim.now,
        },
    )?;
    runs::wake(tx, error.run_id, claim)?;
    Ok(Ok(error.run_id))
}
