//! Decisions about many errors at once: a durable job that goes on after a restart, on any node.
//!
//! It is about the errors that were open when it was made. One batch is one transaction: the
//! decisions and how far it has come, so that no error is decided twice and none is left out.

use crate::actor::Actor;
use crate::engine::Claim;
use crate::error::{Error, Result};
use crate::errors::{Decision, resolve_one};
use crate::step::state;
use crate::{Workflows, engine};
use model::event::Cause;
use model::id::{RunId, TraceId};
use model::time::Micros;
use serde_json::{Map, Value, json};
use store::errors::{self, Filter};
use store::resolutions::{self, Resolution};
use store::{Tx, errors::Group};

/// Errors of one batch, which is one transaction.
const BATCH_ROWS: i64 = 50;
/// Errors a second when no rate is asked for.
pub const RATE_USUAL: i64 = 100;
/// Errors a second at most: more would starve runs that have no errors.
pub const RATE_MAX: i64 = 1_000;
/// Ids that one resolution may name.
pub const IDS_MAX: usize = 15_000;
/// Resolutions moved at once.
const DUE_ROWS: i64 = 10;
/// Groups and resolutions that a list shows.
const LIST_ROWS: i64 = 200;

/// A decision about all open errors of a filter.
#[derive(Clone, Debug)]
pub struct BulkDecision {
    /// Which errors; only open ones are meant.
    pub filter: Filter,
    /// What to do.
    pub action: state::Resolution,
    /// For Retry Task: parameters that are filled in.
    pub inputs: Map<String, Value>,
    /// A note kept with them.
    pub note: String,
    /// Errors a second; `None`: a hundred.
    pub rate_per_second: Option<i64>,
}

/// What a decision would be about.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Errors it would be about.
    pub count: i64,
    /// What they say, the largest group first.
    pub groups: Vec<Group>,
}

/// What a person does to a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steering {
    /// Hold it.
    Pause,
    /// Let it go on.
    Resume,
    /// End it; what is decided stays decided.
    Cancel,
}

impl Steering {
    /// Reads a name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            "cancel" => Some(Self::Cancel),
            _ => None,
        }
    }
}

impl Workflows {
    /// Counts and groups the errors that a decision would be about.
    ///
    /// # Errors
    /// `Invalid` for too many ids.
    pub async fn preview_resolution(&self, actor: &Actor, filter: Filter) -> Result<Preview> {
        let filter = open_only(filter)?;
        let space = actor.space_id.clone();
        self.inner
            .store
            .read(move |tx| {
                let upto = errors::last(tx)?;
                let count = total(tx, &space, &filter, upto)?;
                let groups = if filter.ids.is_empty() {
                    errors::groups(tx, &space, &filter, LIST_ROWS)?
                } else {
                    Vec::new()
                };
                Ok(Preview { count, groups })
            })
            .await
    }

    /// Makes a resolution; it begins at once.
    ///
    /// # Errors
    /// `Invalid` for too many ids or a rate beyond the limit.
    pub async fn begin_resolution(
        &self,
        actor: &Actor,
        decision: BulkDecision,
    ) -> Result<Resolution> {
        let filter = open_only(decision.filter)?;
        let rate = decision.rate_per_second.unwrap_or(RATE_USUAL);
        if !(1..=RATE_MAX).contains(&rate) {
            return Err(Error::Invalid(format!("ratePerSecond is from 1 to {RATE_MAX}.")));
        }
        let now = self.inner.runtime.now();
        let resolution = Resolution {
            id: self.inner.runtime.uuid().to_string(),
            space_id: actor.space_id.clone(),
            status: "Running".into(),
            filter: json!(filter),
            action: decision.action.as_str().into(),
            inputs: Value::Object(decision.inputs),
            note: decision.note,
            total: 0,
            done: 0,
            refused: 0,
            message: None,
            rate_per_second: rate,
            cursor: 0,
            upto: 0,
            next_at: now,
            created_at: now,
            created_by: actor.username.clone(),
            updated_at: now,
            finished_at: None,
        };
        let made = self
            .inner
            .store
            .write(move |tx| {
                let mut made = resolution.clone();
                made.upto = errors::last(tx)?;
                made.total = total(tx, &made.space_id, &filter, made.upto)?;
                resolutions::insert(tx, &made)?;
                Ok::<_, Error>(made)
            })
            .await?;
        self.inner.background.notify_one();
        Ok(made)
    }

    /// Lists resolutions, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn resolutions(&self, actor: &Actor) -> Result<Vec<Resolution>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(resolutions::list(tx, &space, LIST_ROWS)?)).await
    }

    /// A resolution.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn resolution(&self, actor: &Actor, id: &str) -> Result<Resolution> {
        let (space, wanted) = (actor.space_id.clone(), id.to_owned());
        let found: Option<Resolution> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(resolutions::by_id(tx, &space, &wanted)?))
            .await?;
        found.ok_or_else(|| Error::not_found("resolution", id))
    }

    /// Pauses, resumes or cancels a resolution. What it is already, it stays.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` when its status does not allow it.
    pub async fn steer_resolution(
        &self,
        actor: &Actor,
        id: &str,
        steering: Steering,
    ) -> Result<Resolution> {
        let before = self.resolution(actor, id).await?;
        let (from, to): (&[&str], _) = match steering {
            Steering::Pause => (&["Running"], "Paused"),
            Steering::Resume => (&["Paused"], "Running"),
            Steering::Cancel => (&["Running", "Paused"], "Cancelled"),
        };
        if before.status == to {
            return Ok(before);
        }
        let (key, now) = (before.id.clone(), self.inner.runtime.now());
        let moved: bool = self
            .inner
            .store
            .write(move |tx| {
                for from in from {
                    if resolutions::set_status(tx, &key, from, to, now)? {
                        return Ok::<_, Error>(true);
                    }
                }
                Ok(false)
            })
            .await?;
        if !moved {
            let status = before.status.to_lowercase();
            return Err(Error::Invalid(format!("The resolution is {status}.")));
        }
        self.inner.background.notify_one();
        self.resolution(actor, id).await
    }
}

fn open_only(mut filter: Filter) -> Result<Filter> {
    if filter.ids.len() > IDS_MAX {
        return Err(Error::Invalid(format!("At most {IDS_MAX} error ids may be given.")));
    }
    filter.active = Some(true);
    Ok(filter)
}

fn total(
    tx: &mut Tx,
    space: &model::id::SpaceId,
    filter: &Filter,
    upto: i64,
) -> std::result::Result<i64, store::Error> {
    if filter.ids.is_empty() {
        return errors::count(tx, space, filter);
    }
    let mut count = 0;
    let mut after = 0;
    loop {
        let found = errors::following(tx, space, filter, after, upto, 500)?;
        let Some(last) = found.last() else { return Ok(count) };
        count += i64::try_from(found.len()).unwrap_or_default();
        after = last.0;
    }
}

impl engine::Inner {
    /// Moves resolutions whose next batch is due; when the next one is.
    pub(crate) async fn move_resolutions(&self, now: Micros) -> Option<Micros> {
        let due = self.store.read(move |tx| resolutions::due(tx, now, DUE_ROWS)).await;
        let mut next = None;
        for resolution in due.unwrap_or_default() {
            let claim = self.claim_at(now);
            let (space, at) = (resolution.space_id.clone(), resolution.clone());
            let moved = self.store.write(move |tx| batch(tx, &at, &claim)).await;
            match moved {
                Ok(batch) => {
                    batch.runs.iter().for_each(|run| self.wake(*run));
                    next = batch.next_at.into_iter().chain(next).min();
                }
                // Another node was first, or it was paused: the next look tells.
                Err(Error::Store(store::Error::Stale)) => {}
                Err(error) => {
                    tracing::warn!(id = resolution.id, %error, "a resolution could not go on");
                }
            }
            self.changes.publish(&space, runtime::changes::Topic::Errors);
        }
        next
    }
}

struct Batch {
    runs: Vec<RunId>,
    next_at: Option<Micros>,
}

/// One batch inside a transaction.
fn batch(tx: &mut Tx, before: &Resolution, claim: &Claim) -> Result<Batch> {
    let filter: Filter = serde_json::from_value(before.filter.clone()).unwrap_or_default();
    let rows = BATCH_ROWS.min(before.rate_per_second).max(1);
    let space = &before.space_id;
    let ids = errors::following(tx, space, &filter, before.cursor, before.upto, rows)?;
    let mut r = before.clone();
    let decision = Decision {
        ids: Vec::new(),
        action: state::Resolution::parse(&r.action).unwrap_or(state::Resolution::DoNothing),
        note: r.note.clone(),
        inputs: r.inputs.as_object().cloned().unwrap_or_default(),
    };
    let actor = Actor {
        space_id: r.space_id.clone(),
        username: r.created_by.clone(),
        cause: Cause::outside(TraceId(r.id.clone())),
    };
    let mut runs = Vec::new();
    for id in &ids {
        match resolve_one(tx, &actor, *id, &decision, claim)? {
            Ok(run) => {
                r.done += 1;
                runs.push(run);
            }
            Err(message) => {
                r.refused += 1;
                r.message = Some(message);
            }
        }
    }
    r.updated_at = claim.now;
    let count = i64::try_from(ids.len()).unwrap_or_default();
    if count < rows {
        r.status = "Complete".into();
        r.finished_at = Some(claim.now);
    }
    r.cursor = ids.last().map_or(r.upto, |id| id.0);
    r.next_at = claim.now.plus_ms(count * 1_000 / r.rate_per_second.max(1));
    if !resolutions::advance(tx, &r, before.cursor)? {
        return Err(store::Error::Stale.into());
    }
    Ok(Batch { runs, next_at: (r.status == "Running").then_some(r.next_at) })
}
