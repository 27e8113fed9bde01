//! How a space delivers: its policy, and pauses of a webhook or of everything.
//!
//! A pause is a row, so it survives a restart and holds on every node: the statement that claims
//! jobs looks at it, and a snapshot of the webhooks that knows of it leases nothing.

use crate::definitions::find;
use crate::{Actor, Error, Inner, Webhooks};
use model::delivery::{Policy, Settings};
use model::id::SpaceId;
use model::notice;
use model::webhook::Webhook;
use runtime::changes::Topic;
use serde_json::Value;
use store::Tx;
use store::job_changes::{self, Hold};

const NOUN: &str = "Delivery";
const ADMINISTER: &str = "see or change how webhooks are delivered";
/// How often a change is decided before it is given up as stale.
const TRIES: usize = 4;

/// What is asked of the settings; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    /// The policy; properties it lacks are the defaults.
    pub policy: Option<Value>,
    /// How long history is kept.
    pub retention: Option<Value>,
    /// When and whom the space wants to be told; properties it lacks are the defaults.
    pub notices: Option<Value>,
}

/// Whether deliveries wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// They wait from now on.
    Pause,
    /// They go on.
    Resume,
}

impl Pause {
    /// Reads a name of the API.
    ///
    /// # Errors
    /// `Refused` when there is no such action.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "pause" => Ok(Self::Pause),
            "resume" => Ok(Self::Resume),
            other => Err(Error::refused(format!(
                "There is no action '{other}'; there are pause, resume"
            ))),
        }
    }
}

impl Webhooks {
    /// How the actor's space delivers.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn delivery(&self, actor: &Actor) -> Result<Settings, Error> {
        actor.must_administer(ADMINISTER)?;
        let space = actor.space_id.clone();
        self.read(move |tx| Ok(store::delivery::of_space(tx, &space)?)).await
    }

    /// Changes how the actor's space delivers.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong with the policy, `Forbidden`, `Stale`, `Store`.
    pub async fn update_delivery(
        &self,
        actor: &Actor,
        change: &SettingsChange,
    ) -> Result<Settings, Error> {
        actor.must_administer(ADMINISTER)?;
        let invalid = |problems| Error::Invalid { noun: NOUN, problems };
        let policy: Option<Policy> = match &change.policy {
            None => None,
            Some(value) => Some(
                serde_json::from_value(value.clone())
                    .map_err(|error| invalid(vec![format!("Policy: {error}")]))?,
            ),
        };
        let notices: Option<notice::Settings> = match &change.notices {
            None => None,
            Some(value) => Some(
                serde_json::from_value(value.clone())
                    .map_err(|error| invalid(vec![format!("Notices: {error}")]))?,
            ),
        };
        let mut problems = policy.as_ref().map(Policy::problems).unwrap_or_default();
        problems.extend(notices.iter().flat_map(notice::Settings::problems));
        if !problems.is_empty() {
            return Err(invalid(problems));
        }
        if let Some(wanted) = change.retention.as_ref().filter(|wanted| !wanted.is_null()) {
            crate::retention::read(wanted)?;
        }
        let retention = change.retention.clone();
        let settings = self.change_settings(actor, move |settings| {
            settings.policy = policy.clone().unwrap_or_else(|| settings.policy.clone());
            settings.notices = notices.clone().unwrap_or_else(|| settings.notices.clone());
            if let Some(retention) = &retention {
                settings.retention = (!retention.is_null()).then(|| retention.clone());
            }
            None
        });
        let settings = settings.await?;
        if change.retention.is_some() {
            self.inner.purge.notify_one();
        }
        Ok(settings)
    }

    /// Pauses or resumes all deliveries of the actor's space.
    ///
    /// # Errors
    /// `Forbidden`, `Stale`, `Store`.
    pub async fn pause_deliveries(&self, actor: &Actor, pause: Pause) -> Result<Settings, Error> {
        actor.must_administer(ADMINISTER)?;
        let (at, by) = (self.inner.runtime.now(), actor.username.clone());
        let settings = self.change_settings(actor, move |settings| {
            settings.paused = pause == Pause::Pause;
            settings.paused_by = settings.paused.then(|| by.clone());
            settings.paused_at = settings.paused.then_some(at);
            let reason = if settings.paused {
                "held: all deliveries were paused"
            } else {
                "goes on: all deliveries were resumed"
            };
            Some(Hold {
                scope: job_changes::space_scope(&settings.space_id),
                at,
                reason: reason.to_owned(),
                actor: by.clone(),
            })
        });
        let settings = settings.await?;
        if pause == Pause::Resume {
            // Whoever lets deliveries go on has decided about those of a restored copy as well.
            let space = actor.space_id.clone();
            let decide = move |tx: &mut Tx| store::restorations::decide_jobs(tx, &space);
            self.inner.store.write(decide).await?;
        }
        Ok(settings)
    }

    async fn change_settings(
        &self,
        actor: &Actor,
        change: impl Fn(&mut Settings) -> Option<Hold> + Send + Sync + 'static,
    ) -> Result<Settings, Error> {
        let change = std::sync::Arc::new(change);
        for _ in 0..TRIES {
            let (space, change) = (actor.space_id.clone(), change.clone());
            let written = self.inner.store.write(move |tx| {
                let mut settings = store::delivery::of_space(tx, &space)?;
                let hold = change(&mut settings);
                if !store::delivery::save(tx, &settings)? {
                    return Ok::<_, Error>(None);
                }
                job_changes::insert_holds(tx, hold.as_slice())?;
                settings.version += 1;
                Ok(Some(settings))
            });
            if let Some(settings) = written.await? {
                self.held_anew(&actor.space_id).await;
                return Ok(settings);
            }
        }
        Err(Error::Stale { noun: NOUN })
    }

    /// Pauses or resumes the deliveries of a webhook and returns it as it then is.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn pause_webhook(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        name: &str,
        pause: Pause,
    ) -> Result<Webhook, Error> {
        actor.must_administer(ADMINISTER)?;
        for _ in 0..TRIES {
            let (space, kapp, name) =
                (actor.space_id.clone(), kapp.map(str::to_owned), name.to_owned());
            let (at, by) = (self.inner.runtime.now(), actor.username.clone());
            let written = self.inner.store.write(move |tx: &mut Tx| {
                let mut webhook = find(tx, &space, kapp.as_deref(), &name)?;
                webhook.paused = pause == Pause::Pause;
                webhook.audit.touch(at, &by);
                if !store::webhooks::update(tx, &webhook)? {
                    return Ok::<_, Error>(None);
                }
                let reason = match pause {
                    Pause::Pause => "held: the webhook was paused",
                    Pause::Resume => "goes on: the webhook was resumed",
                };
                let hold = Hold {
                    scope: job_changes::webhook_scope(&webhook.id),
                    at,
                    reason: reason.to_owned(),
                    actor: by.clone(),
                };
                job_changes::insert_holds(tx, &[hold])?;
                webhook.version += 1;
                Ok(Some(webhook))
            });
            if let Some(webhook) = written.await? {
                self.held_anew(&actor.space_id).await;
                return Ok(webhook);
            }
        }
        Err(Error::Stale { noun: NOUN })
    }

    /// What may be delivered changed: memory follows.
    async fn held_anew(&self, space: &SpaceId) {
        self.inner.webhooks_moved(space);
        self.inner.changes.publish(space, Topic::Lanes);
        self.inner.give_back_held(space).await;
        self.inner.queue.poke();
    }
}

impl Inner {
    /// Gives back the waiting jobs of a space that must not be delivered at present.
    pub(crate) async fn give_back_held(&self, space: &SpaceId) {
        let Ok(snapshot) = self.snapshots.of(&self.store, space).await else { return };
        let held = self.queue.lock().remove(|waiting| {
            waiting.job.space_id == *space
                && snapshot.hold(waiting.job.webhook_id.as_ref()).is_some()
        });
        let jobs = held.into_iter().map(|w| (w.job.id.clone(), w.job.epoch)).collect();
        self.give_back(jobs).await;
    }
}
