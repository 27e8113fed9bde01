//! Sources: where the data of trees comes from.

use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::{Workflows, text};
use model::Audit;
use model::id::SourceId;
use model::tree::Source;
use serde_json::{Value, json};
use store::{Tx, sources};

/// Sources every space may rely on; they are made when they are first needed.
const WELL_KNOWN: &[&str] = &[model::space::TASK_SOURCE_DEFAULT, "Kinetic Task"];

/// What a client says about a source; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct SourceInput {
    /// The name.
    pub name: Option<String>,
    /// The adapter.
    pub kind: Option<String>,
    /// `Active` or `Inactive`.
    pub status: Option<String>,
    /// The adapter's properties.
    pub properties: Option<Value>,
}

impl Workflows {
    /// All sources of the space, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn sources(&self, actor: &Actor) -> Result<Vec<Source>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(sources::list(tx, &space)?)).await
    }

    /// A source by its name.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn source(&self, actor: &Actor, name: &str) -> Result<Source> {
        let (space, key) = (actor.space_id.clone(), name.to_owned());
        let found: Option<Source> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(sources::by_name(tx, &space, &key)?))
            .await?;
        found.ok_or_else(|| Error::not_found("source", name))
    }

    /// Creates a source.
    ///
    /// # Errors
    /// `Invalid`, `Taken`.
    pub async fn create_source(&self, actor: &Actor, input: SourceInput) -> Result<Source> {
        let name = text::name("name", input.name.as_deref().unwrap_or_default())?;
        let source = Source {
            id: SourceId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            name,
            kind: input.kind.unwrap_or_else(|| "Adhoc".into()),
            status: status(input.status.as_deref().unwrap_or("Active"))?,
            properties: input.properties.unwrap_or_else(|| json!({})),
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        };
        let made = source.clone();
        let inserted = self.inner.store.write(move |tx| sources::insert(tx, &made)).await;
        inserted.map_err(|e| taken(e, &source.name))?;
        Ok(source)
    }

    /// Changes a source; its trees follow a new name.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Taken`.
    pub async fn update_source(
        &self,
        actor: &Actor,
        name: &str,
        input: SourceInput,
    ) -> Result<Source> {
        let mut source = self.source(actor, name).await?;
        if let Some(name) = &input.name {
            source.name = text::name("name", name)?;
        }
        if let Some(kind) = input.kind {
            source.kind = kind;
        }
        if let Some(given) = &input.status {
            source.status = status(given)?;
        }
        if let Some(properties) = input.properties {
            source.properties = properties;
        }
        source.audit.touch(self.inner.runtime.now(), &actor.username);
        let (made, from) = (source.clone(), name.to_owned());
        let updated = self
            .inner
            .store
            .write(move |tx| {
                if from != made.name {
                    sources::rename_trees(tx, &made.space_id, &from, &made.name)?;
                }
                sources::update(tx, &made)
            })
            .await;
        if !updated.map_err(|e| taken(e, &source.name))? {
            return Err(Error::not_found("source", name));
        }
        Ok(source)
    }

    /// Deletes a source that has no trees.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` while it has trees.
    pub async fn delete_source(&self, actor: &Actor, name: &str) -> Result<Source> {
        let source = self.source(actor, name).await?;
        let gone = source.clone();
        self.inner
            .store
            .write(move |tx| {
                let filter =
                    store::trees::Filter { source: Some(gone.name.clone()), ..Default::default() };
                if !store::trees::list(tx, &gone.space_id, &filter, 1)?.is_empty() {
                    let message = format!("The source \"{}\" still has trees.", gone.name);
                    return Err(Error::Invalid(message));
                }
                sources::delete(tx, &gone.id)?;
                Ok(())
            })
            .await?;
        Ok(source)
    }

    /// Makes sure that a tree's source exists.
    pub(crate) fn require_source(&self, tx: &mut Tx, actor: &Actor, name: &str) -> Result<()> {
        if sources::by_name(tx, &actor.space_id, name)?.is_some() {
            return Ok(());
        }
        if !WELL_KNOWN.contains(&name) {
            return Err(Error::Invalid(format!("The source \"{name}\" does not exist.")));
        }
        let source = Source {
            id: SourceId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            name: name.into(),
            kind: name.into(),
            status: "Active".into(),
            properties: json!({}),
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        };
        Ok(sources::insert(tx, &source)?)
    }
}

/// Whether a source is made when a tree first asks for it.
pub(crate) fn is_well_known(name: &str) -> bool {
    WELL_KNOWN.contains(&name)
}

fn status(text: &str) -> Result<String> {
    ["Active", "Inactive"]
        .into_iter()
        .find(|s| s.eq_ignore_ascii_case(text.trim()))
        .map(str::to_owned)
        .ok_or_else(|| Error::Invalid("The status of a source is Active or Inactive.".into()))
}

fn taken(error: store::Error, name: &str) -> Error {
    match error {
        store::Error::Unique { .. } => {
            Error::Taken(format!("A source with the name \"{name}\" exists already."))
        }
        other => Error::Store(other),
    }
}
