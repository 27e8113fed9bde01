//! The space, and the first start that creates it with its administrator.

use crate::cache::KeptSpace;
use crate::change::{ATTEMPTS, Change, guarded};
use crate::input::{Checks, Reader, merge, set_attributes};
use crate::users::check_username;
use crate::{Actor, Error, Platform, actor, passwords};
use model::id::{SpaceId, UserId};
use model::people::User;
use model::space::{Space, TASK_SOURCE_ATTRIBUTE, TASK_SOURCE_DEFAULT};
use model::{Attributes, Audit};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::Tx;

/// Documented properties of a space that are kept and returned as they were given.
pub const PROPERTIES: &[&str] = &[
    "afterLogoutPath",
    "afterLogoutPage",
    "bundlePath",
    "customTranslationContexts",
    "defaultDatastoreFormConfirmationPage",
    "defaultDatastoreFormDisplayPage",
    "defaultLocale",
    "defaultTimezone",
    "displayType",
    "displayValue",
    "enabledLocales",
    "fileStore",
    "loginPage",
    "oauthSigningKey",
    "platformComponents",
    "resetPasswordPage",
    "sessionInactiveLimitInSeconds",
    "sharedBundleBase",
    "trustedFrameDomains",
    "trustedResourceDomains",
    "status",
    "securityPolicies",
    "securityPolicyDefinitions",
    "spaceAttributeDefinitions",
    "userAttributeDefinitions",
    "userProfileAttributeDefinitions",
    "teamAttributeDefinitions",
    "datastoreFormAttributeDefinitions",
    "bridges",
    "bridgeModels",
    "models",
];
/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] = &["kapps", "teams", "users", "webhooks", "datastoreForms", "isEmpty"];

/// A change to a space; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpaceInput {
    /// Its slug, which must be what it is.
    pub slug: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its attributes; replaces all of them.
    pub attributes: Option<Attributes>,
    /// Attributes to set one by one, after the others; an empty list removes one.
    pub attribute_changes: Attributes,
    /// Other documented properties; each replaces its former value, null removes it.
    pub properties: Map<String, Value>,
}

impl SpaceInput {
    /// Reads a request body.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` for values of a wrong type.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let own = ["slug", "name", "attributes", "attributesMap"];
        let known = [&own[..], PROPERTIES, IGNORED].concat();
        let mut body = Reader::open("Space", body, &known)?;
        let input = Self {
            slug: body.text("slug"),
            name: body.text("name"),
            attributes: body.attributes("attributes", "attributesMap"),
            attribute_changes: Attributes::new(),
            properties: body.properties(PROPERTIES),
        };
        body.finish(input)
    }
}

/// What the first start is given.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The slug of the space.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The username of the first administrator.
    pub username: String,
    /// Their password; made up when `None`.
    pub password: Option<String>,
}

/// What the first start made or found.
#[derive(Clone, Debug)]
pub struct Bootstrapped {
    /// The space.
    pub space: Arc<Space>,
    /// The administrator; `None` when the space was there already.
    pub administrator: Option<User>,
    /// The password that was made up: print it once, it is kept nowhere.
    pub password: Option<String>,
}

impl Platform {
    /// Creates the space and its first administrator, unless the space exists. Fires nothing.
    ///
    /// # Errors
    /// `Invalid` for an unusable slug, name, username or password; `Store`.
    pub async fn bootstrap(&self, first: Bootstrap) -> Result<Bootstrapped, Error> {
        if let Some(space) = self.space_by_slug(&first.slug).await? {
            return Ok(Bootstrapped { space, administrator: None, password: None });
        }
        let made_up = first.password.is_none().then(|| self.inner.runtime.token(10));
        let password = made_up.clone().or(first.password.clone()).unwrap_or_default();
        check_first(&first, &password)?;
        let hash = self.hash_password(password).await?;
        let (space, user) = self.first_rows(&first, hash);
        let written = (space.clone(), user.clone());
        let insert = move |tx: &mut Tx| {
            store::spaces::insert(tx, &written.0)?;
            store::users::insert(tx, &written.1)
        };
        match self.inner.store.write(insert).await {
            Ok(()) => Ok(Bootstrapped {
                space: Arc::new(space),
                administrator: Some(user),
                password: made_up,
            }),
            // Another node started at the same moment.
            Err(store::Error::Unique { .. }) => {
                let space = self.space_by_slug(&first.slug).await?;
                let space = space.ok_or(Error::Stale { noun: "Space" })?;
                Ok(Bootstrapped { space, administrator: None, password: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// All spaces of the server, by slug.
    ///
    /// # Errors
    /// `Store`.
    pub async fn spaces(&self) -> Result<Vec<Space>, Error> {
        Ok(self.inner.store.read(store::spaces::all).await?)
    }

    /// The space with a slug, for requests that name their space by host or path.
    ///
    /// # Errors
    /// `Store`.
    pub async fn space_by_slug(&self, slug: &str) -> Result<Option<Arc<Space>>, Error> {
        let slug = slug.to_owned();
        let read = move |tx: &mut Tx| store::spaces::by_slug(tx, &slug);
        Ok(self.inner.store.read(read).await?.map(Arc::new))
    }

    /// The id of the space with a slug, which never changes: read once.
    ///
    /// # Errors
    /// `Store`.
    pub async fn space_id(&self, slug: &str) -> Result<Option<SpaceId>, Error> {
        if let Some(known) = self.inner.contexts.space(slug) {
            return Ok(Some(known));
        }
        let space = self.space_by_slug(slug).await?;
        if let Some(space) = &space {
            self.inner.contexts.keep_space(slug, &space.id);
        }
        Ok(space.map(|space| space.id.clone()))
    }

    /// The actor's space.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn space(&self, actor: &Actor) -> Result<Arc<Space>, Error> {
        let id = actor.space_id.clone();
        let space = self.inner.store.read(move |tx: &mut Tx| store::spaces::by_id(tx, &id)).await?;
        space.map(Arc::new).ok_or_else(|| Error::not_found("Space", actor.space_id.as_str()))
    }

    /// The actor's space as events show it, read at most a short while ago.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub(crate) async fn shown_space(&self, actor: &Actor) -> Result<KeptSpace, Error> {
        let now = self.now();
        match self.inner.contexts.shown(&actor.space_id, now) {
            Some(kept) => Ok(kept),
            None => Ok(self.inner.contexts.keep_shown(self.space(actor).await?, now)),
        }
    }

    /// Changes the actor's space. Space administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `Stale`, `Store`.
    pub async fn update_space(
        &self,
        actor: &Actor,
        input: SpaceInput,
    ) -> Result<Arc<Space>, Error> {
        actor.must_administer(|| "update the Space".to_owned())?;
        for _ in ATTEMPTS {
            let before = self.space(actor).await?;
            let mut space = applied(&input, Space::clone(&before))?;
            space.version += 1;
            space.audit.touch(self.now(), &actor.username);
            let space = Arc::new(space);
            let (written, from) = (space.clone(), before.version);
            let change = Change::new(space, Vec::new(), move |tx| {
                guarded(store::spaces::update(tx, &written, from)?)
            });
            if let Some(space) = self.commit(change).await? {
                self.inner.contexts.drop_space(&space.id);
                return Ok(space);
            }
        }
        Err(Error::Stale { noun: "Space" })
    }
}

impl Platform {
    fn first_rows(&self, first: &Bootstrap, password_hash: String) -> (Space, User) {
        let audit = Audit::created(self.now(), actor::SYSTEM_USERNAME);
        let mut attributes = Attributes::new();
        attributes.insert(TASK_SOURCE_ATTRIBUTE.to_owned(), json!([TASK_SOURCE_DEFAULT]));
        let space = Space {
            id: SpaceId::new(self.inner.runtime.uuid()),
            slug: first.slug.clone(),
            name: first.name.clone(),
            attributes,
            properties: Map::new(),
            version: 1,
            audit: audit.clone(),
        };
        let user = User {
            id: UserId::new(self.inner.runtime.uuid()),
            space_id: space.id.clone(),
            username: first.username.clone(),
            display_name: None,
            email: None,
            enabled: true,
            space_admin: true,
            password_hash: Some(password_hash),
            invited_by: None,
            attributes: Attributes::new(),
            profile_attributes: Attributes::new(),
            properties: Map::new(),
            version: 1,
            audit,
        };
        (space, user)
    }
}

fn check_first(first: &Bootstrap, password: &str) -> Result<(), Error> {
    let mut checks = Checks::of("Space");
    checks.slug(&first.slug);
    checks.name("name", &first.name);
    check_username(&mut checks, &first.username);
    passwords::check(&mut checks, password);
    checks.finish()
}

fn applied(input: &SpaceInput, mut space: Space) -> Result<Space, Error> {
    let mut checks = Checks::of("Space");
    if input.slug.as_ref().is_some_and(|slug| *slug != space.slug) {
        checks.problem("slug", "Slug cannot be changed");
    }
    if let Some(name) = &input.name {
        space.name.clone_from(name);
    }
    if let Some(attributes) = &input.attributes {
        space.attributes.clone_from(attributes);
    }
    set_attributes(&mut space.attributes, &input.attribute_changes);
    merge(&mut space.properties, &input.properties);
    checks.name("name", &space.name);
    checks.finish()?;
    Ok(space)
}
