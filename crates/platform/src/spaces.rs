//! The space, and the first start that creates it with its administrator.

use crate::input::Reader;
use crate::{Actor, Error, Platform};
use model::Attributes;
use model::people::User;
use model::space::Space;
use serde_json::{Map, Value};
use std::sync::Arc;

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
const IGNORED: &[&str] = &[
    "kapps",
    "teams",
    "users",
    "webhooks",
    "datastoreForms",
    "isEmpty",
];

/// A change to a space; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpaceInput {
    /// Its slug, which must be what it is.
    pub slug: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its attributes; replaces all of them.
    pub attributes: Option<Attributes>,
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
        let _ = first;
        unimplemented!()
    }

    /// All spaces of the server, by slug.
    ///
    /// # Errors
    /// `Store`.
    pub async fn spaces(&self) -> Result<Vec<Space>, Error> {
        unimplemented!()
    }

    /// The space with a slug, for requests that name their space by host or path.
    ///
    /// # Errors
    /// `Store`.
    pub async fn space_by_slug(&self, slug: &str) -> Result<Option<Arc<Space>>, Error> {
        let _ = slug;
        unimplemented!()
    }

    /// The actor's space.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn space(&self, actor: &Actor) -> Result<Arc<Space>, Error> {
        let _ = actor;
        unimplemented!()
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
        let _ = (actor, input);
        unimplemented!()
    }
}
