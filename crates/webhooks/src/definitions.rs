//! Webhooks as records: create, read, update, delete, checked when they are saved.
//!
//! What is checked: the type and event exist, the filter and the URL template compile, a literal
//! host may be called, names are unique in their space or kapp. Every write bumps the generation,
//! so that the very next event meets the new definition on every node.

mod check;
mod input;
mod legacy;
pub(crate) mod request;
mod reseal;

pub use input::{PROPERTIES, WebhookInput};
pub(crate) use legacy::open as legacy;
pub use request::shown as shown_request;

use crate::{Actor, Error, Inner, Webhooks};
use model::Audit;
use model::id::{KappId, SpaceId, WebhookId};
use model::limits;
use model::webhook::Webhook;
use runtime::changes::Topic;
use store::Tx;

/// How often an update is decided before it is given up as stale.
const TRIES: usize = 4;
const NOUN: &str = "Webhook";
const ADMINISTER: &str = "manage webhooks";

/// What is wrong with a filter, in words: those of linked workflows follow the same rules.
pub fn problem_of_filter(filter: &str) -> Option<String> {
    let mut problems = Vec::new();
    check::filter(filter, &mut problems);
    problems.pop()
}

impl Webhooks {
    /// Lists the webhooks of a kapp, or those of the space itself, by name.
    ///
    /// # Errors
    /// `NotFound` for the kapp, `Forbidden`, `Store`.
    pub async fn webhooks(&self, actor: &Actor, kapp: Option<&str>) -> Result<Vec<Webhook>, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, kapp) = (actor.space_id.clone(), kapp.map(str::to_owned));
        self.read(move |tx| {
            let kapp = kapp_id(tx, &space, kapp.as_deref())?;
            Ok(store::webhooks::of_scope(tx, &space, kapp.as_ref())?)
        })
        .await
    }

    /// Reads a webhook by its name.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn webhook(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        name: &str,
    ) -> Result<Webhook, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, kapp, name) =
            (actor.space_id.clone(), kapp.map(str::to_owned), name.to_owned());
        self.read(move |tx| find(tx, &space, kapp.as_deref(), &name)).await
    }

    /// Creates a webhook.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong, `Unique`, `NotFound` for the kapp, `Forbidden`,
    /// `Store`.
    pub async fn create_webhook(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        input: &WebhookInput,
    ) -> Result<Webhook, Error> {
        actor.must_administer(ADMINISTER)?;
        let now = self.inner.runtime.now();
        let mut webhook = Webhook {
            id: WebhookId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            // A placeholder that says which level is meant, until the kapp is looked up.
            kapp_id: kapp.map(|slug| KappId(slug.to_owned())),
            name: String::new(),
            type_name: String::new(),
            event: String::new(),
            filter: String::new(),
            url: String::new(),
            auth_strategy: None,
            request: None,
            enabled: true,
            disabled_reason: None,
            paused: false,
            delivery: model::delivery::Overrides::default(),
            version: 0,
            audit: Audit::created(now, &actor.username),
        };
        let problems = check::apply(self, &mut webhook, input);
        refuse(problems)?;
        let slug = kapp.map(str::to_owned);
        let written = self.inner.store.write(move |tx| {
            let mut webhook = webhook.clone();
            webhook.kapp_id = kapp_id(tx, &webhook.space_id, slug.as_deref())?;
            let known = store::webhooks::of_scope(tx, &webhook.space_id, webhook.kapp_id.as_ref())?;
            if known.len() >= limits::WEBHOOKS_MAX {
                return Err(Error::refused(format!(
                    "There are {} webhooks already, which is the most one place may have",
                    known.len()
                )));
            }
            if known.iter().any(|other| other.name == webhook.name) {
                return Err(Error::Unique { name: webhook.name });
            }
            store::webhooks::insert(tx, &webhook)?;
            Ok(webhook)
        });
        let webhook = written.await.map_err(|error| taken(error, &input.name))?;
        self.moved(&actor.space_id);
        Ok(webhook)
    }

    /// Changes a webhook: only what `input` holds.
    ///
    /// # Errors
    /// As [`Webhooks::create_webhook`], and `Stale` when others keep changing it.
    pub async fn update_webhook(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        name: &str,
        input: &WebhookInput,
    ) -> Result<Webhook, Error> {
        for _ in 0..TRIES {
            let mut webhook = self.webhook(actor, kapp, name).await?;
            let was_disabled = !webhook.enabled;
            let problems = check::apply(self, &mut webhook, input);
            refuse(problems)?;
            webhook.audit.touch(self.inner.runtime.now(), &actor.username);
            let write = webhook.clone();
            let written = self.inner.store.write(move |tx| {
                let other = store::webhooks::by_name(
                    tx,
                    &write.space_id,
                    write.kapp_id.as_ref(),
                    &write.name,
                )?;
                if other.is_some_and(|other| other.id != write.id) {
                    return Err(Error::Unique { name: write.name.clone() });
                }
                if was_disabled && write.enabled {
                    store::notices::close(tx, &write.id)?;
                }
                Ok(store::webhooks::update(tx, &write)?)
            });
            if written.await.map_err(|error| taken(error, &input.name))? {
                webhook.version += 1;
                if was_disabled {
                    self.inner.watch.forget(&webhook.id);
                }
                self.moved(&actor.space_id);
                return Ok(webhook);
            }
        }
        Err(Error::Stale { noun: NOUN })
    }

    /// Deletes a webhook and returns it as it was. Its jobs stay, those that wait are delivered.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn delete_webhook(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        name: &str,
    ) -> Result<Webhook, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, kapp, name) =
            (actor.space_id.clone(), kapp.map(str::to_owned), name.to_owned());
        let deleted = self.inner.store.write(move |tx| {
            let webhook = find(tx, &space, kapp.as_deref(), &name)?;
            store::webhooks::delete(tx, &space, &webhook.id)?;
            Ok::<_, Error>(webhook)
        });
        let webhook = deleted.await?;
        self.moved(&actor.space_id);
        Ok(webhook)
    }

    /// Notes that webhooks of a space changed.
    pub(crate) fn moved(&self, space: &SpaceId) {
        self.inner.webhooks_moved(space);
    }

    /// Runs a closure on a snapshot of the store.
    pub(crate) async fn read<T, F>(&self, closure: F) -> Result<T, Error>
    where
        F: Fn(&mut Tx) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.store.read(closure).await
    }
}

impl Inner {
    /// Notes that webhooks of a space, or how it delivers, changed.
    pub(crate) fn webhooks_moved(&self, space: &SpaceId) {
        self.snapshots.forget_all(space);
        self.changes.publish(space, Topic::Webhooks);
        self.queue.poke();
    }
}

/// The id of a kapp; `None` for no slug.
pub(crate) fn kapp_id(
    tx: &mut Tx,
    space: &SpaceId,
    slug: Option<&str>,
) -> Result<Option<KappId>, Error> {
    let Some(slug) = slug else { return Ok(None) };
    let kapp = store::kapps::by_slug(tx, space, slug)?;
    let kapp = kapp.ok_or_else(|| Error::not_found("Kapp", slug))?;
    Ok(Some(kapp.id))
}

pub(crate) fn find(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&str>,
    name: &str,
) -> Result<Webhook, Error> {
    let kapp = kapp_id(tx, space, kapp)?;
    let found = store::webhooks::by_name(tx, space, kapp.as_ref(), name)?;
    found.ok_or_else(|| Error::not_found(NOUN, name))
}

fn refuse(problems: Vec<String>) -> Result<(), Error> {
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid { noun: NOUN, problems }) }
}

/// A unique index that spoke up is about the name: two writers at once.
fn taken(error: Error, name: &Option<String>) -> Error {
    match error {
        Error::Store(store::Error::Unique { .. }) => {
            Error::Unique { name: name.clone().unwrap_or_default() }
        }
        other => other,
    }
}
