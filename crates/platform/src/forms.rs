//! Forms of kapps, and datastore forms.

use crate::change::{ATTEMPTS, Change, guarded};
use crate::context::{self, FormContext};
use crate::input::{Checks, Reader, merge, set_attributes, slugify};
use crate::kql::{Operand, Queryable};
use crate::payload::{self, Subject};
use crate::{Actor, Error, ListQuery, Page, Platform, list};
use model::catalogue::Level;
use model::event::Event;
use model::form::Form;
use model::id::FormId;
use model::kapp::Kapp;
use model::space::Space;
use model::time::Micros;
use model::{Attributes, Audit, limits};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;
use store::Tx;

/// Documented properties of a form that are kept and returned as they were given.
pub const PROPERTIES: &[&str] = &[
    "backgroundJobs",
    "bridgedResources",
    "categorizations",
    "customHeadContent",
    "indexDefinitions",
    "integrations",
    "icon",
    "securityPolicies",
];
/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] =
    &["fields", "kapp", "space", "restorationToken", "archivedAt", "archivedBy", "workflows"];
/// The states of a form.
pub const STATUSES: &[&str] = &["New", "Active", "Inactive", "Delete"];

/// Where a form lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// In the kapp with this slug.
    Kapp(&'a str),
    /// In the space: a datastore form.
    Datastore,
}

impl<'a> Scope<'a> {
    /// The kapp's slug; `None` for the datastore.
    pub fn kapp(self) -> Option<&'a str> {
        match self {
            Self::Kapp(slug) => Some(slug),
            Self::Datastore => None,
        }
    }
}

/// A new form, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormInput {
    /// Its slug, unique in its kapp or among the datastore forms; made from the name by default.
    pub slug: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// One of [`STATUSES`]; `Active` by default.
    pub status: Option<String>,
    /// The form type.
    pub kind: Option<Option<String>>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Notes of its keepers.
    pub notes: Option<Option<String>>,
    /// Whether people who are not signed in may fill it in; false by default.
    pub anonymous: Option<bool>,
    /// `${…}` template of a submission's label.
    pub label_expression: Option<Option<String>>,
    /// Its attributes; replaces all of them.
    pub attributes: Option<Attributes>,
    /// Attributes to set one by one, after the others; an empty list removes one.
    pub attribute_changes: Attributes,
    /// Its pages; replaces all of them.
    pub pages: Option<Vec<Value>>,
    /// Other documented properties; each replaces its former value, null removes it.
    pub properties: Map<String, Value>,
}

impl FormInput {
    /// Reads a request body.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` for values of a wrong type.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let own = [
            "slug",
            "name",
            "status",
            "type",
            "description",
            "notes",
            "anonymous",
            "attributes",
            "attributesMap",
            "pages",
            "submissionLabelExpression",
        ];
        let known = [&own[..], PROPERTIES, IGNORED].concat();
        let mut body = Reader::open("Form", body, &known)?;
        let input = Self {
            slug: body.text("slug"),
            name: body.text("name"),
            status: body.text("status"),
            kind: body.nullable_text("type"),
            description: body.nullable_text("description"),
            notes: body.nullable_text("notes"),
            anonymous: body.bool("anonymous"),
            label_expression: body.nullable_text("submissionLabelExpression"),
            attributes: body.attributes("attributes", "attributesMap"),
            attribute_changes: Attributes::new(),
            pages: body.list("pages"),
            properties: body.properties(PROPERTIES),
        };
        body.finish(input)
    }
}

/// Which archived forms to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// Only those that had this slug.
    pub slug: Option<String>,
    /// Archived at or after this instant.
    pub start: Option<Micros>,
    /// Archived before this instant.
    pub end: Option<Micros>,
}

impl Platform {
    /// The forms of a kapp or the datastore, by slug unless ordered otherwise; 1,000 a page by
    /// default. Query properties: name, slug, status, type, createdAt, updatedAt,
    /// attributes[Name]. Space administrators see all, other users the active ones.
    ///
    /// # Errors
    /// `NotFound` for the kapp, `Unauthenticated`, `Refused`, `Store`.
    pub async fn forms(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        query: &ListQuery,
    ) -> Result<Page<Form>, Error> {
        actor.must_be_somebody()?;
        let (space, kapp) = (actor.space_id.clone(), scope.kapp().map(str::to_owned));
        let read = move |tx: &mut Tx| {
            let (space, kapp) = context::scope_in(tx, &space, kapp.as_deref())?;
            let kapp = kapp.as_ref().map(|kapp| &kapp.id);
            Ok::<_, Error>(store::forms::list(tx, &space.id, kapp)?)
        };
        let mut forms = self.inner.store.read(read).await?;
        forms.retain(|form| actor.sees_form(form));
        list::page(forms, query)
    }

    /// The archived (deleted) forms, latest first. Space administrators only.
    ///
    /// # Errors
    /// As [`Platform::forms`], and `Forbidden`.
    pub async fn archived_forms(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        which: &Archived,
    ) -> Result<Vec<Form>, Error> {
        actor.must_administer(|| "see archived Forms".to_owned())?;
        let (space, kapp) = (actor.space_id.clone(), scope.kapp().map(str::to_owned));
        let read = move |tx: &mut Tx| {
            let (space, kapp) = context::scope_in(tx, &space, kapp.as_deref())?;
            let kapp = kapp.as_ref().map(|kapp| &kapp.id);
            Ok::<_, Error>(store::forms::archived(tx, &space.id, kapp, limits::PAGE_ROWS_MAX)?)
        };
        let mut forms = self.inner.store.read(read).await?;
        forms.retain(|form| {
            let at = form.audit.updated_at;
            which.slug.as_ref().is_none_or(|slug| *slug == form.slug)
                && which.start.is_none_or(|start| at >= start)
                && which.end.is_none_or(|end| at < end)
        });
        Ok(forms)
    }

    /// One form with its kapp and space.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` when the form is not active and the actor no administrator,
    /// `Unauthenticated`, `Store`.
    pub async fn form(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        slug: &str,
    ) -> Result<Arc<FormContext>, Error> {
        actor.must_be_somebody()?;
        let context = self.context(&actor.space_id, scope, slug, true).await?;
        actor.must_read_form(&context.form)?;
        Ok(context)
    }

    /// Creates a form; fires `Created`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound` for the kapp, `Forbidden`, `Invalid`, `Unique`, `Store`.
    pub async fn create_form(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        input: FormInput,
    ) -> Result<Arc<FormContext>, Error> {
        actor.must_administer(|| "create Forms".to_owned())?;
        for _ in ATTEMPTS {
            let (space, kapp) = self.scope(actor, scope).await?;
            let now = self.now();
            let form = created(&input, self.new_form(actor, &space, kapp.as_deref(), now))?;
            let slug = form.slug.clone();
            let context = Arc::new(FormContext::new(space, kapp, form));
            let events = vec![self.form_event(actor, now, &context, "Created", None)];
            let written = context.form.clone();
            let change = Change::new(context, events, move |tx| store::forms::insert(tx, &written));
            if let Some(done) = self.commit(change.unique("Form", "slug", slug)).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Form" })
    }

    /// Changes a form; fires `Updated`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Unique`, `Stale`, `Store`.
    pub async fn update_form(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        slug: &str,
        input: FormInput,
    ) -> Result<Arc<FormContext>, Error> {
        actor.must_administer(|| format!("update the {slug} Form"))?;
        for _ in ATTEMPTS {
            let before = self.context(&actor.space_id, scope, slug, true).await?;
            let change = self.changed_form(actor, &before, &input, "Updated")?;
            if let Some(context) = self.commit(change).await? {
                self.inner.contexts.drop_form(&context.form.id);
                return Ok(context);
            }
        }
        Err(Error::Stale { noun: "Form" })
    }

    /// Archives a form, which frees its slug and keeps its submissions; fires `Deleted`. The form
    /// returned holds its restoration token. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn delete_form(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        slug: &str,
    ) -> Result<Arc<FormContext>, Error> {
        actor.must_administer(|| format!("delete the {slug} Form"))?;
        for _ in ATTEMPTS {
            let before = self.context(&actor.space_id, scope, slug, true).await?;
            let mut form = Form::clone(&before.form);
            form.restoration_token = Some(self.inner.runtime.token(16));
            let change = self.replaced_form(actor, &before, form, "Deleted")?;
            if let Some(context) = self.commit(change).await? {
                self.inner.contexts.drop_form(&context.form.id);
                return Ok(context);
            }
        }
        Err(Error::Stale { noun: "Form" })
    }

    /// Brings an archived form back, changed by `input` (a new slug, when the old one is taken);
    /// fires `Restored`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound` for the token, `Forbidden`, `Invalid`, `Unique`, `Stale`, `Store`.
    pub async fn restore_form(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        token: &str,
        input: FormInput,
    ) -> Result<Arc<FormContext>, Error> {
        actor.must_administer(|| "restore archived Forms".to_owned())?;
        for _ in ATTEMPTS {
            let (space, kapp) = self.scope(actor, scope).await?;
            let (space_id, token) = (space.id.clone(), token.to_owned());
            let kapp_id = kapp.as_ref().map(|kapp| kapp.id.clone());
            let read = move |tx: &mut Tx| {
                store::forms::by_restoration_token(tx, &space_id, kapp_id.as_ref(), &token)
            };
            let form = self.inner.store.read(read).await?;
            let form = form.ok_or_else(|| Error::not_found("archived Form", "given"))?;
            let before = FormContext::new(space, kapp, form);
            let change = self.changed_form(actor, &before, &input, "Restored")?;
            if let Some(context) = self.commit(change).await? {
                self.inner.contexts.drop_form(&context.form.id);
                return Ok(context);
            }
        }
        Err(Error::Stale { noun: "Form" })
    }
}

impl Platform {
    /// The space and kapp of a scope, read anew.
    async fn scope(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
    ) -> Result<(Arc<Space>, Option<Arc<Kapp>>), Error> {
        let (space, kapp) = (actor.space_id.clone(), scope.kapp().map(str::to_owned));
        let read = move |tx: &mut Tx| context::scope_in(tx, &space, kapp.as_deref());
        let (space, kapp) = self.inner.store.read(read).await?;
        Ok((Arc::new(space), kapp.map(Arc::new)))
    }

    fn new_form(&self, actor: &Actor, space: &Space, kapp: Option<&Kapp>, now: Micros) -> Form {
        Form {
            id: FormId::new(self.inner.runtime.uuid()),
            space_id: space.id.clone(),
            kapp_id: kapp.map(|kapp| kapp.id.clone()),
            slug: String::new(),
            name: String::new(),
            status: "Active".to_owned(),
            kind: None,
            description: None,
            notes: None,
            anonymous: false,
            label_expression: None,
            attributes: Attributes::new(),
            pages: Vec::new(),
            properties: Map::new(),
            restoration_token: None,
            version: 1,
            audit: Audit::created(now, &actor.username),
        }
    }

    /// Decides a change that the input asks for. A restored form gives up its token.
    fn changed_form(
        &self,
        actor: &Actor,
        before: &FormContext,
        input: &FormInput,
        action: &'static str,
    ) -> Result<Change<Arc<FormContext>>, Error> {
        let mut form = applied(input, Form::clone(&before.form))?;
        form.restoration_token = None;
        self.replaced_form(actor, before, form, action)
    }

    fn replaced_form(
        &self,
        actor: &Actor,
        before: &FormContext,
        mut form: Form,
        action: &'static str,
    ) -> Result<Change<Arc<FormContext>>, Error> {
        let now = self.now();
        form.version += 1;
        form.audit.touch(now, &actor.username);
        let (slug, from) = (form.slug.clone(), before.form.version);
        let after = FormContext::new(before.space.clone(), before.kapp.clone(), form);
        let after = Arc::new(after);
        let events = vec![self.form_event(actor, now, &after, action, Some(&before.form))];
        let written = after.form.clone();
        let change = Change::new(after, events, move |tx| {
            guarded(store::forms::update(tx, &written, from)?)
        });
        Ok(change.unique("Form", "slug", slug))
    }

    fn form_event(
        &self,
        actor: &Actor,
        at: Micros,
        context: &FormContext,
        action: &'static str,
        previous: Option<&Form>,
    ) -> Event {
        let form = &context.form;
        let datastore = form.is_datastore();
        let subject = Subject {
            level: if datastore { Level::Space } else { Level::Kapp },
            type_name: if datastore { "Datastore Form" } else { "Form" },
            entity_type: "Form",
            id: form.id.as_str(),
            key: &form.slug,
            label: form.name.clone(),
            context: Some(context),
        };
        let mut body = context.surroundings.members().clone();
        if let Some(previous) = previous {
            body.insert("formPrevious".to_owned(), payload::form(previous));
        }
        self.event(actor, at, &subject, action, body)
    }
}

/// Fills in a new form: a slug that is not given follows from the name.
fn created(input: &FormInput, form: Form) -> Result<Form, Error> {
    let mut input = input.clone();
    if input.slug.is_none() {
        input.slug = input.name.as_deref().map(slugify);
    }
    applied(&input, form)
}

/// Applies an input to a form and checks what results.
fn applied(input: &FormInput, mut form: Form) -> Result<Form, Error> {
    let set = |target: &mut String, given: &Option<String>| {
        if let Some(given) = given {
            target.clone_from(given);
        }
    };
    let set_optional = |target: &mut Option<String>, given: &Option<Option<String>>| {
        if let Some(given) = given {
            target.clone_from(given);
        }
    };
    set(&mut form.slug, &input.slug);
    set(&mut form.name, &input.name);
    set(&mut form.status, &input.status);
    set_optional(&mut form.kind, &input.kind);
    set_optional(&mut form.description, &input.description);
    set_optional(&mut form.notes, &input.notes);
    set_optional(&mut form.label_expression, &input.label_expression);
    form.anonymous = input.anonymous.unwrap_or(form.anonymous);
    if let Some(attributes) = &input.attributes {
        form.attributes.clone_from(attributes);
    }
    set_attributes(&mut form.attributes, &input.attribute_changes);
    if let Some(pages) = &input.pages {
        form.pages.clone_from(pages);
    }
    merge(&mut form.properties, &input.properties);
    check(&form)?;
    Ok(form)
}

fn check(form: &Form) -> Result<(), Error> {
    let mut checks = Checks::of("Form");
    checks.name("name", &form.name);
    checks.slug(&form.slug);
    checks.one_of("status", &form.status, STATUSES);
    checks.free_text("type", form.kind.as_ref());
    checks.free_text("description", form.description.as_ref());
    checks.free_text("notes", form.notes.as_ref());
    if let Some(label) = &form.label_expression
        && let Err(error) = expr::js::Template::compile(label)
    {
        let message = format!("Submission Label Expression does not compile: {error}");
        checks.problem("submissionLabelExpression", message);
    }
    check_pages(form, &mut checks);
    checks.finish()
}

/// Pages are kept as they are; only what would make values ambiguous is refused.
fn check_pages(form: &Form, checks: &mut Checks) {
    let mut names = HashSet::new();
    for page in &form.pages {
        let name = page.get("name").and_then(Value::as_str).unwrap_or_default();
        if !page.is_object() || name.trim().is_empty() {
            checks.problem("pages", "Pages must each be an object with a name");
        } else if !names.insert(name) {
            checks.problem("pages", format!("Pages must not share the name \"{name}\""));
        }
    }
    let fields = form.fields();
    if fields.len() > limits::FIELDS_MAX {
        let max = limits::FIELDS_MAX;
        checks.problem("pages", format!("Pages must not have more than {max} fields"));
    }
    let mut names = HashSet::new();
    for field in fields {
        if field.name.trim().is_empty() {
            checks.problem("pages", "Fields must have a name");
        } else if !names.insert(field.name) {
            let name = field.name;
            checks.problem("pages", format!("Fields must not share the name \"{name}\""));
        }
    }
}

impl Queryable for Form {
    fn property(&self, name: &str) -> Option<Operand<'_>> {
        Some(match name {
            "name" => Operand::text(&self.name),
            "slug" => Operand::text(&self.slug),
            "status" => Operand::text(&self.status),
            "type" => Operand::optional(self.kind.as_deref()),
            "createdAt" => Operand::instant(self.audit.created_at),
            "updatedAt" => Operand::instant(self.audit.updated_at),
            _ => return None,
        })
    }

    fn element(&self, list: &str, name: &str) -> Option<Operand<'_>> {
        (list == "attributes").then(|| Operand::json(self.attributes.get(name)))
    }

    fn key(&self) -> &str {
        &self.slug
    }

    const KEY: &'static str = "slug";
    const PROPERTIES: &'static [&'static str] =
        &["name", "slug", "status", "type", "createdAt", "updatedAt", "attributes[…]"];
}
