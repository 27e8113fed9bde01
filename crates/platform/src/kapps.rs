//! Kapps: collections of forms.

use crate::input::Reader;
use crate::{Actor, Error, ListQuery, Page, Platform};
use model::Attributes;
use model::kapp::Kapp;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Documented properties of a kapp that are kept and returned as they were given.
pub const PROPERTIES: &[&str] = &[
    "afterLogoutPath",
    "bundlePath",
    "categories",
    "categorizations",
    "categoryAttributeDefinitions",
    "defaultFormConfirmationPage",
    "defaultFormDisplayPage",
    "defaultSubmissionLabelExpression",
    "displayType",
    "displayValue",
    "fields",
    "formAttributeDefinitions",
    "formTypes",
    "icon",
    "indexDefinitions",
    "integrations",
    "kappAttributeDefinitions",
    "loginPage",
    "resetPasswordPage",
    "securityPolicies",
    "securityPolicyDefinitions",
];
/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] = &["forms", "space", "webhooks", "workflows", "webApis"];

/// A new kapp, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KappInput {
    /// Its slug, unique in the space.
    pub slug: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// `Active` by default.
    pub status: Option<String>,
    /// Its attributes; replaces all of them.
    pub attributes: Option<Attributes>,
    /// Other documented properties; each replaces its former value, null removes it.
    pub properties: Map<String, Value>,
}

impl KappInput {
    /// Reads a request body.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` for values of a wrong type.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let own = ["slug", "name", "status", "attributes", "attributesMap"];
        let known = [&own[..], PROPERTIES, IGNORED].concat();
        let mut body = Reader::open("Kapp", body, &known)?;
        let input = Self {
            slug: body.text("slug"),
            name: body.text("name"),
            status: body.text("status"),
            attributes: body.attributes("attributes", "attributesMap"),
            properties: body.properties(PROPERTIES),
        };
        body.finish(input)
    }
}

impl Platform {
    /// The kapps of the space, by slug unless ordered otherwise; 1,000 a page by default. Query
    /// properties: name, slug, status, createdAt, updatedAt, attributes[Name]. Every signed-in
    /// user may read kapps.
    ///
    /// # Errors
    /// `Unauthenticated`, `Refused` for a query or token that cannot be read, `Store`.
    pub async fn kapps(&self, actor: &Actor, query: &ListQuery) -> Result<Page<Kapp>, Error> {
        let _ = (actor, query);
        unimplemented!()
    }

    /// One kapp.
    ///
    /// # Errors
    /// `NotFound`, `Unauthenticated`, `Store`.
    pub async fn kapp(&self, actor: &Actor, slug: &str) -> Result<Arc<Kapp>, Error> {
        let _ = (actor, slug);
        unimplemented!()
    }

    /// Creates a kapp. Space administrators only. Kapps fire no events (platform.md 1.1).
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `Unique`, `Store`.
    pub async fn create_kapp(&self, actor: &Actor, input: KappInput) -> Result<Arc<Kapp>, Error> {
        let _ = (actor, input);
        unimplemented!()
    }

    /// Changes a kapp. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Unique`, `Stale`, `Store`.
    pub async fn update_kapp(
        &self,
        actor: &Actor,
        slug: &str,
        input: KappInput,
    ) -> Result<Arc<Kapp>, Error> {
        let _ = (actor, slug, input);
        unimplemented!()
    }

    /// Deletes a kapp with its webhooks, forms and submissions, and returns it as it was. Refused
    /// while it has more than [`SUBMISSIONS_DELETED_MAX`] submissions.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Refused`, `Store`.
    pub async fn delete_kapp(&self, actor: &Actor, slug: &str) -> Result<Arc<Kapp>, Error> {
        let _ = (actor, slug);
        unimplemented!()
    }
}

/// Submissions that go with their kapp in one transaction, at most; more would stall the writer.
pub const SUBMISSIONS_DELETED_MAX: i64 = 10_000;
