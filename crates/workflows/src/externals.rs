//! External handlers: kinds of nodes that a space defines, whose work is done at a URL of its own.

use crate::actor::Actor;
use crate::engine::{Behalf, Trial};
use crate::error::{Error, Result};
use crate::handlers::{self, Effect};
use crate::plan::is_routine;
use crate::{Workflows, text};
use model::Audit;
use model::external_handler::{ExternalHandler, Outcome, Parameter};
use model::id::SpaceId;
use model::limits;
use runtime::vault::Secret;
use serde_json::{Map, Value};
use std::collections::HashSet;
use store::{Tx, external_handlers, tasks};

/// Seconds a handler may take unless its definition says otherwise.
const TIMEOUT_SECONDS: i64 = 30;

/// What a client says about an external handler; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct ExternalInput {
    /// Its name.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Whether it is called.
    pub is_active: Option<bool>,
    /// The parameters it takes.
    pub parameters: Option<Vec<Parameter>>,
    /// The results it leaves.
    pub results: Option<Vec<Outcome>>,
    /// Where its work is done.
    pub url: Option<String>,
    /// `repeatable`, `keyed` or `once`.
    pub effect: Option<String>,
    /// Seconds it may take to answer.
    pub timeout_seconds: Option<i64>,
    /// The secret that signs its calls; one is drawn for a new handler without.
    pub secret: Option<String>,
}

/// A handler whose secret was just made; it is shown this once.
#[derive(Clone, Debug)]
pub struct Made {
    /// The handler.
    pub handler: ExternalHandler,
    /// The secret, when it was drawn.
    pub secret: Option<Secret>,
}

/// Whether a handler has to have a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Url {
    /// Somebody defines it, and knows where its work is done.
    Needed,
    /// It was imported; who knows that comes later.
    Later,
}

/// What is said of a handler that cannot be called yet.
pub(crate) fn needs_url(id: &str) -> String {
    format!(
        "The handler {id} has no URL yet, so nothing does its work. An administrator gives it one \
         in the console under Handlers, or with PUT /handlers/{id}; then the task can be retried."
    )
}

/// Where a handler's secret is sealed for.
pub(crate) fn place(space: &SpaceId, definition: &str) -> String {
    format!("external-handler/{space}/{definition}")
}

/// Reads the name of an effect that external handlers can have.
pub(crate) fn effect(name: &str) -> Option<Effect> {
    match name {
        "repeatable" => Some(Effect::Repeatable),
        "keyed" => Some(Effect::Keyed),
        "once" => Some(Effect::Once),
        _ => None,
    }
}

impl Workflows {
    /// Lists the external handlers of the space, by id.
    ///
    /// # Errors
    /// The store's.
    pub async fn external_handlers(&self, actor: &Actor) -> Result<Vec<ExternalHandler>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(external_handlers::of_space(tx, &space)?)).await
    }

    /// An external handler.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn external_handler(&self, actor: &Actor, id: &str) -> Result<ExternalHandler> {
        let (space, wanted) = (actor.space_id.clone(), id.to_owned());
        self.inner.store.read(move |tx| found(tx, &space, &wanted)).await
    }

    /// Defines an external handler.
    ///
    /// # Errors
    /// `Invalid`, `Taken`.
    pub async fn create_external_handler(
        &self,
        actor: &Actor,
        id: &str,
        input: ExternalInput,
    ) -> Result<Made> {
        self.define_external(actor, id, input, Url::Needed).await
    }

    /// Defines an external handler, at a URL or without one yet.
    pub(crate) async fn define_external(
        &self,
        actor: &Actor,
        id: &str,
        input: ExternalInput,
        url: Url,
    ) -> Result<Made> {
        let (handler, drawn) = self.draft(actor, id, input, url)?;
        let made = handler.clone();
        let written = self.inner.store.write(move |tx| {
            let known = external_handlers::of_space(tx, &made.space_id)?.len();
            if known >= limits::EXTERNAL_HANDLERS_MAX {
                return Err(Error::Invalid(format!(
                    "There are {known} external handlers already, the most one space may have."
                )));
            }
            Ok(external_handlers::insert(tx, &made)?)
        });
        written.await.map_err(|error| match error {
            Error::Store(store::Error::Unique { .. }) => {
                Error::Taken(format!("The handler {} exists already.", handler.definition_id))
            }
            other => other,
        })?;
        self.recheck(&actor.space_id, handler.definition_id.clone()).await?;
        Ok(Made { handler, secret: drawn })
    }

    /// A handler as it would be defined, and the secret that was drawn for it.
    pub(crate) fn draft(
        &self,
        actor: &Actor,
        id: &str,
        input: ExternalInput,
        url: Url,
    ) -> Result<(ExternalHandler, Option<Secret>)> {
        let id = definition_id(id)?;
        let drawn = match &input.secret {
            Some(_) => None,
            None => Some(self.inner.http.draw_secret()),
        };
        let mut handler = ExternalHandler {
            space_id: actor.space_id.clone(),
            name: id.clone(),
            definition_id: id,
            description: String::new(),
            is_active: true,
            parameters: Vec::new(),
            results: Vec::new(),
            url: String::new(),
            effect: "keyed".into(),
            timeout_seconds: TIMEOUT_SECONDS,
            sealed: String::new(),
            version: 0,
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        };
        if let Some(secret) = &drawn {
            self.seal(&mut handler, secret.expose());
        }
        self.apply(&mut handler, input, url)?;
        Ok((handler, drawn))
    }

    /// Changes an external handler; calls that begin from now on obey.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Stale`.
    pub async fn update_external_handler(
        &self,
        actor: &Actor,
        id: &str,
        input: ExternalInput,
    ) -> Result<ExternalHandler> {
        let before = self.external_handler(actor, id).await?;
        let handler = self.changed(&before, input)?;
        let changed = self.store_changed(actor, before.version, handler).await?;
        self.recheck(&actor.space_id, changed.definition_id.clone()).await?;
        Ok(changed)
    }

    /// A handler as it would be after a change.
    pub(crate) fn changed(
        &self,
        before: &ExternalHandler,
        input: ExternalInput,
    ) -> Result<ExternalHandler> {
        let mut handler = before.clone();
        let url = if before.needs_url() { Url::Later } else { Url::Needed };
        self.apply(&mut handler, input, url)?;
        Ok(handler)
    }

    /// Draws a new secret for the calls of a handler; the old one signs no more.
    ///
    /// # Errors
    /// `NotFound`, `Stale`.
    pub async fn renew_external_secret(&self, actor: &Actor, id: &str) -> Result<Made> {
        let before = self.external_handler(actor, id).await?;
        let mut handler = before.clone();
        let secret = self.inner.http.draw_secret();
        self.seal(&mut handler, secret.expose());
        let handler = self.store_changed(actor, before.version, handler).await?;
        Ok(Made { handler, secret: Some(secret) })
    }

    /// Deletes an external handler and returns it as it was; nodes that name it fail from now on.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_external_handler(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<ExternalHandler> {
        let (space, id) = (actor.space_id.clone(), id.to_owned());
        let write = self.inner.store.write(move |tx| {
            let handler = found(tx, &space, &id)?;
            external_handlers::delete(tx, &space, &id)?;
            Ok::<_, Error>(handler)
        });
        let gone = write.await?;
        self.recheck(&actor.space_id, gone.definition_id.clone()).await?;
        Ok(gone)
    }

    /// Calls an external handler with these parameters, outside of any run.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` when it has no URL yet; what the call comes to is no error.
    pub async fn try_external_handler(
        &self,
        actor: &Actor,
        id: &str,
        parameters: &Map<String, Value>,
    ) -> Result<Trial> {
        let handler = self.external_handler(actor, id).await?;
        if handler.needs_url() {
            return Err(Error::Invalid(needs_url(&handler.definition_id)));
        }
        let behalf = Behalf { space_id: actor.space_id.clone(), cause: actor.cause.clone() };
        Ok(self.inner.try_external(&behalf, &handler, parameters).await)
    }

    /// The space and the handler of a task whose completion is signed by that handler's secret;
    /// `None` when there is no such task, or the signature does not hold. `signed` are the id, the
    /// time and the signatures.
    ///
    /// # Errors
    /// The store's.
    pub async fn signed_completion(
        &self,
        token: &str,
        signed: (&str, &str, &str),
        body: &[u8],
    ) -> Result<Option<(SpaceId, String)>> {
        let wanted = token.to_owned();
        let found: Option<ExternalHandler> = self
            .inner
            .store
            .read(move |tx| {
                let Some((space, definition)) = tasks::handler_of_token(tx, &wanted)? else {
                    return Ok::<_, Error>(None);
                };
                Ok(external_handlers::by_id(tx, &space, &definition)?)
            })
            .await?;
        let Some(handler) = found else { return Ok(None) };
        let place = place(&handler.space_id, &handler.definition_id);
        let Ok(secret) = self.inner.vault.open(&place, &handler.sealed) else { return Ok(None) };
        let holds = self.inner.http.is_signed(&secret, signed, body);
        Ok(holds.then_some((handler.space_id, handler.definition_id)))
    }

    /// Seals the secrets of external handlers with the key that seals now, as
    /// `Webhooks::reseal` does those of webhooks. Returns how many were sealed.
    ///
    /// # Errors
    /// The store's.
    pub async fn reseal(&self) -> Result<usize> {
        let vault = &self.inner.vault;
        let all: Vec<ExternalHandler> =
            self.inner.store.read(|tx| Ok::<_, Error>(external_handlers::all(tx)?)).await?;
        let mut count = 0;
        for mut handler in all.into_iter().filter(|handler| !vault.is_current(&handler.sealed)) {
            let place = place(&handler.space_id, &handler.definition_id);
            let Ok(secret) = vault.open(&place, &handler.sealed) else { continue };
            self.seal(&mut handler, secret.expose());
            let from = handler.version;
            handler.version += 1;
            let write =
                self.inner.store.write(move |tx| external_handlers::update(tx, &handler, from));
            count += usize::from(write.await?);
        }
        Ok(count)
    }

    async fn store_changed(
        &self,
        actor: &Actor,
        from: i64,
        mut handler: ExternalHandler,
    ) -> Result<ExternalHandler> {
        handler.version = from + 1;
        handler.audit.touch(self.inner.runtime.now(), &actor.username);
        let made = handler.clone();
        let written =
            self.inner.store.write(move |tx| external_handlers::update(tx, &made, from)).await?;
        if written {
            return Ok(handler);
        }
        Err(Error::Stale(format!("The handler {} was changed meanwhile.", handler.definition_id)))
    }

    fn seal(&self, handler: &mut ExternalHandler, secret: &str) {
        let place = place(&handler.space_id, &handler.definition_id);
        handler.sealed = self.inner.vault.seal(&place, secret);
    }

    fn apply(&self, handler: &mut ExternalHandler, input: ExternalInput, url: Url) -> Result<()> {
        if let Some(name) = &input.name {
            handler.name = text::name("name", name)?;
        }
        if let Some(description) = input.description {
            handler.description = text::long("description", description)?;
        }
        handler.is_active = input.is_active.unwrap_or(handler.is_active);
        if let Some(parameters) = input.parameters {
            check_fields("parameter", parameters.iter().map(|p| p.id.as_str()))?;
            handler.parameters = parameters;
        }
        if let Some(results) = input.results {
            check_fields("result", results.iter().map(|r| r.name.as_str()))?;
            handler.results = results;
        }
        if let Some(url) = input.url {
            url.trim().clone_into(&mut handler.url);
        }
        let is_without = url == Url::Later && handler.needs_url();
        if let Some(why) = self.inner.http.refuses(&handler.url).filter(|_| !is_without) {
            return Err(Error::Invalid(format!("The url cannot be used: {why}")));
        }
        if let Some(name) = input.effect {
            if effect(&name).is_none() {
                return Err(Error::Invalid(format!(
                    "The effect is repeatable, keyed or once, not \"{name}\"."
                )));
            }
            handler.effect = name;
        }
        if let Some(seconds) = input.timeout_seconds {
            if !(1..=limits::EXTERNAL_SECONDS_MAX).contains(&seconds) {
                let most = limits::EXTERNAL_SECONDS_MAX;
                return Err(Error::Invalid(format!(
                    "timeoutSeconds is 1 to {most}, not {seconds}; what takes longer defers."
                )));
            }
            handler.timeout_seconds = seconds;
        }
        if let Some(secret) = input.secret {
            if !self.inner.http.is_secret(&secret) {
                return Err(Error::Invalid(
                    "The secret must be \"whsec_\" and 24 to 64 bytes in Base64; leave it out to \
                     have one drawn."
                        .into(),
                ));
            }
            self.seal(handler, &secret);
        }
        Ok(())
    }
}

fn found(tx: &mut Tx, space: &SpaceId, id: &str) -> Result<ExternalHandler> {
    let handler = external_handlers::by_id(tx, space, id)?;
    handler.ok_or_else(|| Error::NotFound(format!("The handler \"{id}\" does not exist.")))
}

/// An id that nodes can name: words, and a version at the end.
fn definition_id(id: &str) -> Result<String> {
    let id = id.trim();
    let version = id.rsplit_once("_v").map(|(_, version)| version);
    let is_id = id.len() <= limits::SLUG_CHARS_MAX
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && version.is_some_and(|v| !v.is_empty() && v.chars().all(|c| c.is_ascii_digit()));
    if !is_id {
        return Err(Error::Invalid(format!(
            "The definitionId must be of small letters, digits and _, and end in a version such as \
             acme_label_print_v1, not \"{id}\"."
        )));
    }
    if handlers::find(id).is_some() {
        return Err(Error::Taken(format!("The handler {id} comes with the server.")));
    }
    if is_routine(id) {
        return Err(Error::Invalid("Ids that begin with routine_ are those of routines.".into()));
    }
    Ok(id.to_owned())
}

fn check_fields<'a>(what: &str, names: impl ExactSizeIterator<Item = &'a str>) -> Result<()> {
    let most = limits::HANDLER_FIELDS_MAX;
    if names.len() > most {
        return Err(Error::Invalid(format!("A handler has at most {most} {what}s.")));
    }
    let mut seen = HashSet::new();
    for name in names {
        text::name(what, name)?;
        if !seen.insert(name) {
            return Err(Error::Invalid(format!("There are two {what}s \"{name}\".")));
        }
    }
    Ok(())
}
