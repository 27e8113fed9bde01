//! A form with its kapp and space, and what follows from them alone: rules, label, payload parts.

use crate::cache::Contexts;
use crate::forms::Scope;
use crate::submissions::rules::Rules;
use crate::{Error, Platform, payload};
use expr::js::Template;
use model::form::Form;
use model::id::{FormId, KappId, SpaceId};
use model::kapp::Kapp;
use model::payload::Part;
use model::space::Space;
use serde_json::Value;
use std::sync::Arc;
use store::Tx;

/// A form with all that surrounds it, as documents, labels and events need it.
#[derive(Debug)]
pub struct FormContext {
    /// The space.
    pub space: Arc<Space>,
    /// The kapp; `None` for a datastore form.
    pub kapp: Option<Arc<Kapp>>,
    /// The form.
    pub form: Arc<Form>,
    /// What its fields ask of values.
    pub(crate) rules: Rules,
    /// The template of a submission's label; `None`: the submission's id.
    pub(crate) label: Option<Template>,
    /// The parts of a payload that all its events share.
    pub(crate) surroundings: Arc<Part>,
}

impl FormContext {
    pub(crate) fn new(space: Arc<Space>, kapp: Option<Arc<Kapp>>, form: Form) -> Self {
        let inherited = kapp.as_ref().and_then(|kapp| {
            kapp.properties.get("defaultSubmissionLabelExpression").and_then(Value::as_str)
        });
        let label = form.label_expression.as_deref().or(inherited);
        // What does not compile was refused when it was saved; an import may still hold some.
        let label = label.filter(|text| !text.trim().is_empty());
        let label = label.and_then(|text| Template::compile(text).ok());
        let rules = Rules::of(&form);
        let mut context =
            Self { space, kapp, form: Arc::new(form), rules, label, surroundings: Arc::default() };
        context.surroundings = Arc::new(payload::surroundings(&context));
        context
    }

    /// The form as people find it: `Space > Kapp > Form`.
    pub fn path(&self) -> String {
        let kapp = self.kapp.as_ref().map_or("Datastore", |kapp| kapp.name.as_str());
        format!("{} > {kapp} > {}", self.space.slug, self.form.name)
    }

    fn versions(&self) -> store::forms::Versions {
        store::forms::Versions {
            form: self.form.version,
            kapp: self.kapp.as_ref().map_or(0, |kapp| kapp.version),
            space: self.space.version,
        }
    }

    /// Has a write fail as stale when the form, its kapp or its space has changed since it was
    /// read.
    pub(crate) fn hold(&self, tx: &mut Tx) -> Result<(), store::Error> {
        store::forms::hold(tx, &self.form.id, self.versions())
    }

    /// Whether the form, its kapp and its space are as they were read.
    fn is_current(&self, tx: &mut Tx) -> Result<bool, store::Error> {
        Ok(store::forms::versions(tx, &self.form.id)? == Some(self.versions()))
    }
}

/// The space and kapp of a scope.
///
/// # Errors
/// `NotFound` for either.
pub(crate) fn scope_in(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&str>,
) -> Result<(Space, Option<Kapp>), Error> {
    let found = store::spaces::by_id(tx, space)?;
    let found = found.ok_or_else(|| Error::not_found("Space", space.as_str()))?;
    let Some(slug) = kapp else { return Ok((found, None)) };
    let kapp = store::kapps::by_slug(tx, space, slug)?;
    Ok((found, Some(kapp.ok_or_else(|| Error::not_found("Kapp", slug))?)))
}

/// A form by its scope and slug.
///
/// # Errors
/// `NotFound` for kapp or form.
pub(crate) fn by_path(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&str>,
    slug: &str,
) -> Result<FormContext, Error> {
    let (space, kapp) = scope_in(tx, space, kapp)?;
    let kapp_id: Option<&KappId> = kapp.as_ref().map(|kapp| &kapp.id);
    let form = store::forms::by_slug(tx, &space.id, kapp_id, slug)?;
    let form = form.ok_or_else(|| Error::not_found("Form", slug))?;
    Ok(FormContext::new(Arc::new(space), kapp.map(Arc::new), form))
}

/// A form by its id, archived or not; `None` when it is gone.
///
/// # Errors
/// What the store says.
pub(crate) fn by_id(tx: &mut Tx, id: &FormId) -> Result<Option<FormContext>, store::Error> {
    let Some(form) = store::forms::by_id(tx, id)? else { return Ok(None) };
    let Some(space) = store::spaces::by_id(tx, &form.space_id)? else { return Ok(None) };
    let kapp = match &form.kapp_id {
        Some(kapp) => store::kapps::by_id(tx, kapp)?,
        None => None,
    };
    Ok(Some(FormContext::new(Arc::new(space), kapp.map(Arc::new), form)))
}

/// A form by its id: the one that is kept if it is up to date, else a fresh one, which is kept.
///
/// # Errors
/// What the store says.
pub(crate) fn current(
    tx: &mut Tx,
    kept: &Contexts,
    id: &FormId,
) -> Result<Option<Arc<FormContext>>, store::Error> {
    if let Some(context) = kept.by_id(id)
        && context.is_current(tx)?
    {
        return Ok(Some(context));
    }
    let context = by_id(tx, id)?.map(Arc::new);
    kept.drop_form(id);
    if let Some(context) = &context {
        kept.keep(context);
    }
    Ok(context)
}

impl Platform {
    /// A form by its scope and slug: one that is kept, unless `fresh` ones are asked for.
    ///
    /// # Errors
    /// `NotFound` for kapp or form, `Store`.
    pub(crate) async fn context(
        &self,
        space: &SpaceId,
        scope: Scope<'_>,
        slug: &str,
        fresh: bool,
    ) -> Result<Arc<FormContext>, Error> {
        if !fresh && let Some(kept) = self.inner.contexts.by_path(space, scope.kapp(), slug) {
            return Ok(kept);
        }
        let (space, kapp, slug) = (space.clone(), scope.kapp().map(str::to_owned), slug.to_owned());
        let read = move |tx: &mut Tx| by_path(tx, &space, kapp.as_deref(), &slug);
        let context: Arc<FormContext> = Arc::new(self.inner.store.read(read).await?);
        self.inner.contexts.drop_form(&context.form.id);
        self.inner.contexts.keep(&context);
        Ok(context)
    }
}
