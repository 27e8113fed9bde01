//! Kapps: collections of forms.

use crate::change::{ATTEMPTS, Change, guarded};
use crate::input::{Checks, Reader, merge, set_attributes, slugify};
use crate::kql::{Operand, Queryable};
use crate::{Actor, Error, ListQuery, Page, Platform, list};
use model::id::KappId;
use model::kapp::Kapp;
use model::limits::KAPP_SUBMISSIONS_DELETED_MAX;
use model::{Attributes, Audit};
use serde_json::{Map, Value};
use std::sync::Arc;
use store::Tx;

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
    /// Attributes to set one by one, after the others; an empty list removes one.
    pub attribute_changes: Attributes,
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
            attribute_changes: Attributes::new(),
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
        actor.must_be_somebody()?;
        let space = actor.space_id.clone();
        let read = move |tx: &mut Tx| store::kapps::list(tx, &space);
        list::page(self.inner.store.read(read).await?, query)
    }

    /// One kapp.
    ///
    /// # Errors
    /// `NotFound`, `Unauthenticated`, `Store`.
    pub async fn kapp(&self, actor: &Actor, slug: &str) -> Result<Arc<Kapp>, Error> {
        actor.must_be_somebody()?;
        let (space, key) = (actor.space_id.clone(), slug.to_owned());
        let read = move |tx: &mut Tx| store::kapps::by_slug(tx, &space, &key);
        let kapp = self.inner.store.read(read).await?;
        kapp.map(Arc::new).ok_or_else(|| Error::not_found("Kapp", slug))
    }

    /// Creates a kapp. Space administrators only. Kapps fire no events (platform.md 1.1).
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `Unique`, `Store`.
    pub async fn create_kapp(&self, actor: &Actor, input: KappInput) -> Result<Arc<Kapp>, Error> {
        actor.must_administer(|| "create Kapps".to_owned())?;
        for _ in ATTEMPTS {
            let kapp = Kapp {
                id: KappId::new(self.inner.runtime.uuid()),
                space_id: actor.space_id.clone(),
                slug: input.name.as_deref().map(slugify).unwrap_or_default(),
                name: String::new(),
                status: "Active".to_owned(),
                attributes: Attributes::new(),
                properties: Map::new(),
                version: 1,
                audit: Audit::created(self.now(), &actor.username),
            };
            let kapp = Arc::new(applied(&input, kapp)?);
            let (written, slug) = (kapp.clone(), kapp.slug.clone());
            let change =
                Change::new(kapp, Vec::new(), move |tx| store::kapps::insert(tx, &written));
            if let Some(done) = self.commit(change.unique("Kapp", "slug", slug)).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Kapp" })
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
        actor.must_administer(|| format!("update the {slug} Kapp"))?;
        for _ in ATTEMPTS {
            let before = self.kapp(actor, slug).await?;
            let mut kapp = applied(&input, Kapp::clone(&before))?;
            kapp.version += 1;
            kapp.audit.touch(self.now(), &actor.username);
            let kapp = Arc::new(kapp);
            let (written, from, slug) = (kapp.clone(), before.version, kapp.slug.clone());
            let change = Change::new(kapp, Vec::new(), move |tx| {
                guarded(store::kapps::update(tx, &written, from)?)
            });
            if let Some(kapp) = self.commit(change.unique("Kapp", "slug", slug)).await? {
                self.inner.contexts.drop_kapp(&kapp.id);
                return Ok(kapp);
            }
        }
        Err(Error::Stale { noun: "Kapp" })
    }

    /// Deletes a kapp with its webhooks, forms and submissions, and returns it as it was. Refused
    /// while it has more than [`KAPP_SUBMISSIONS_DELETED_MAX`] submissions.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Refused`, `Store`.
    pub async fn delete_kapp(&self, actor: &Actor, slug: &str) -> Result<Arc<Kapp>, Error> {
        actor.must_administer(|| format!("delete the {slug} Kapp"))?;
        for _ in ATTEMPTS {
            let kapp = self.kapp(actor, slug).await?;
            let (id, limit) = (kapp.id.clone(), KAPP_SUBMISSIONS_DELETED_MAX + 1);
            let read = move |tx: &mut Tx| store::submissions::count_of_kapp(tx, &id, limit);
            if self.inner.store.read(read).await? > KAPP_SUBMISSIONS_DELETED_MAX {
                return Err(Error::refused(format!(
                    "Unable to delete the {slug} Kapp: it has more than \
                     {KAPP_SUBMISSIONS_DELETED_MAX} submissions"
                )));
            }
            let gone = kapp.clone();
            let change = Change::new(kapp, Vec::new(), move |tx| {
                guarded(store::kapps::delete(tx, &gone, gone.version)?)
            });
            if let Some(kapp) = self.commit(change).await? {
                self.inner.contexts.drop_kapp(&kapp.id);
                return Ok(kapp);
            }
        }
        Err(Error::Stale { noun: "Kapp" })
    }
}

fn applied(input: &KappInput, mut kapp: Kapp) -> Result<Kapp, Error> {
    let set = |target: &mut String, given: &Option<String>| {
        if let Some(given) = given {
            target.clone_from(given);
        }
    };
    set(&mut kapp.slug, &input.slug);
    set(&mut kapp.name, &input.name);
    set(&mut kapp.status, &input.status);
    if let Some(attributes) = &input.attributes {
        kapp.attributes.clone_from(attributes);
    }
    set_attributes(&mut kapp.attributes, &input.attribute_changes);
    merge(&mut kapp.properties, &input.properties);
    let mut checks = Checks::of("Kapp");
    checks.name("name", &kapp.name);
    checks.slug(&kapp.slug);
    checks.one_of("status", &kapp.status, &["Active", "Inactive"]);
    let label = kapp.properties.get("defaultSubmissionLabelExpression").and_then(Value::as_str);
    if let Some(Err(error)) = label.map(expr::js::Template::compile) {
        let message = format!("Default Submission Label Expression does not compile: {error}");
        checks.problem("defaultSubmissionLabelExpression", message);
    }
    checks.finish()?;
    Ok(kapp)
}

impl Queryable for Kapp {
    const PROPERTIES: &'static [&'static str] =
        &["name", "slug", "status", "createdAt", "updatedAt", "attributes[…]"];
    const KEY: &'static str = "slug";

    fn property(&self, name: &str) -> Option<Operand<'_>> {
        Some(match name {
            "name" => Operand::text(&self.name),
            "slug" => Operand::text(&self.slug),
            "status" => Operand::text(&self.status),
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
}
