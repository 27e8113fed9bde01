//! Forms of kapps, and datastore forms.

use crate::input::Reader;
use crate::{Actor, Error, ListQuery, Page, Platform};
use model::Attributes;
use model::form::Form;
use model::kapp::Kapp;
use model::space::Space;
use model::time::Micros;
use serde_json::{Map, Value};
use std::sync::Arc;

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
const IGNORED: &[&str] = &[
    "fields",
    "kapp",
    "space",
    "restorationToken",
    "archivedAt",
    "archivedBy",
    "workflows",
];
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

/// A form with all that surrounds it, as documents, labels and events need it.
#[derive(Debug)]
pub struct FormContext {
    /// The space.
    pub space: Arc<Space>,
    /// The kapp; `None` for a datastore form.
    pub kapp: Option<Arc<Kapp>>,
    /// The form.
    pub form: Arc<Form>,
}

/// A new form, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::option_option,
    reason = "absent, null and text are three things here"
)]
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
        let _ = (actor, scope, query);
        unimplemented!()
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
        let _ = (actor, scope, which);
        unimplemented!()
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
        let _ = (actor, scope, slug);
        unimplemented!()
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
        let _ = (actor, scope, input);
        unimplemented!()
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
        let _ = (actor, scope, slug, input);
        unimplemented!()
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
        let _ = (actor, scope, slug);
        unimplemented!()
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
        let _ = (actor, scope, token, input);
        unimplemented!()
    }
}
