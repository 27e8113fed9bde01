//! How long a space keeps its history: the policy, what it would let go, and what it did.

mod purge;

pub use purge::{Pace, Round};

use crate::delivery::SettingsChange;
use crate::{Actor, Error, Webhooks};
use model::retention::{LastPurge, Retention};
use model::time::Micros;
use serde_json::Value;
use store::retention::{Preview, Sweep};

const NOUN: &str = "Retention";
const ADMINISTER: &str = "see or change how long history is kept";

/// The policy of a space and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The policy in force.
    pub policy: Retention,
    /// Whether it is the one that spaces have that set none.
    pub is_default: bool,
    /// Bytes that history takes up, about, as far as it was measured.
    pub bytes: i64,
    /// The time of the oldest row.
    pub oldest: Option<Micros>,
    /// What the last purge did.
    pub last: Option<LastPurge>,
}

/// What a policy would let go now.
#[derive(Clone, Debug, PartialEq)]
pub struct WouldGo {
    /// Each kind with its count.
    pub counts: Vec<(Sweep, Preview)>,
    /// Whether the policy keeps less of anything than the one in force.
    pub is_shorter: bool,
}

/// Reads a policy as a client sent it; properties it lacks are the defaults.
///
/// # Errors
/// `Invalid` with everything that is wrong with it.
pub fn read(value: &Value) -> Result<Retention, Error> {
    let invalid = |problems| Error::Invalid { noun: NOUN, problems };
    let retention: Retention = serde_json::from_value(value.clone())
        .map_err(|error| invalid(vec![format!("Retention: {error}")]))?;
    let problems = retention.problems();
    if problems.is_empty() { Ok(retention) } else { Err(invalid(problems)) }
}

impl Webhooks {
    /// How long the actor's space keeps history, and what it takes up.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn retention(&self, actor: &Actor) -> Result<Kept, Error> {
        actor.must_administer(ADMINISTER)?;
        let space = actor.space_id.clone();
        self.read(move |tx| {
            let stored = store::delivery::of_space(tx, &space)?.retention;
            let sizes = store::retention::sizes(tx, &space)?;
            Ok(Kept {
                policy: Retention::read(stored.as_ref()),
                is_default: stored.is_none(),
                bytes: sizes.iter().map(|size| size.bytes).sum(),
                oldest: store::retention::oldest(tx, &space)?,
                last: store::retention::progress(tx, &space)?.last,
            })
        })
        .await
    }

    /// Changes how long the actor's space keeps history; null: the default. What is too old by
    /// then begins to go at once.
    ///
    /// # Errors
    /// `Invalid`, `Forbidden`, `Stale`, `Store`.
    pub async fn update_retention(&self, actor: &Actor, policy: Value) -> Result<Kept, Error> {
        actor.must_administer(ADMINISTER)?;
        let change = SettingsChange { retention: Some(policy), ..SettingsChange::default() };
        self.update_delivery(actor, &change).await?;
        self.retention(actor).await
    }

    /// What a policy would let go now; the one in force when none is given.
    ///
    /// # Errors
    /// `Invalid`, `Forbidden`, `Store`.
    pub async fn preview_retention(
        &self,
        actor: &Actor,
        policy: Option<&Value>,
    ) -> Result<WouldGo, Error> {
        actor.must_administer(ADMINISTER)?;
        let asked = policy.map(read).transpose()?;
        let (space, now) = (actor.space_id.clone(), self.inner.runtime.now());
        self.read(move |tx| {
            let stored = store::delivery::of_space(tx, &space)?.retention;
            let present = Retention::read(stored.as_ref());
            let retention = asked.unwrap_or(present);
            let sizes = store::retention::sizes(tx, &space)?;
            let cutoffs = purge::within_bytes(&retention, retention.cutoffs(now), &sizes, now);
            let mut counts = Vec::new();
            for sweep in Sweep::ALL {
                counts.push((sweep, store::retention::preview(tx, sweep, &space, &cutoffs)?));
            }
            Ok(WouldGo { counts, is_shorter: retention.is_shorter_than(&present) })
        })
        .await
    }
}
