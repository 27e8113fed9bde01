//! Users.

use crate::input::Reader;
use crate::memberships::TeamRef;
use crate::{Actor, Error, ListQuery, Page, Platform};
use model::Attributes;
use model::people::User;
use serde_json::{Map, Value};

/// Documented properties of a user that are kept and returned as they were given.
pub const PROPERTIES: &[&str] = &["allowedIps", "preferredLocale", "timezone"];
/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] = &["space", "invitedBy", "authorization", "createdBy"];
/// Properties that users may change on themselves.
const OWN: &[&str] = &["displayName", "email", "password", "profileAttributes"];

/// A new user, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Default, PartialEq)]
#[expect(
    clippy::option_option,
    reason = "absent, null and text are three things here"
)]
pub struct UserInput {
    /// Unique in the space.
    pub username: Option<String>,
    /// The name people read.
    pub display_name: Option<Option<String>>,
    /// Their address.
    pub email: Option<Option<String>>,
    /// Whether they may sign in; true by default.
    pub enabled: Option<bool>,
    /// Whether they administer the space; false by default.
    pub space_admin: Option<bool>,
    /// Their new password in clear; kept only as its argon2id verifier.
    pub password: Option<String>,
    /// Their attributes; replaces all of them.
    pub attributes: Option<Attributes>,
    /// Their profile attributes; replaces all of them.
    pub profile_attributes: Option<Attributes>,
    /// All their teams; a membership that is not in the list ends.
    pub memberships: Option<Vec<TeamRef>>,
    /// Other documented properties; each replaces its former value, null removes it.
    pub properties: Map<String, Value>,
}

impl UserInput {
    /// Reads a request body. Memberships are `[{"team": {"name" | "slug"}}]`.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` for values of a wrong type.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let own = [
            "username",
            "displayName",
            "email",
            "enabled",
            "spaceAdmin",
            "password",
            "attributes",
            "attributesMap",
            "profileAttributes",
            "profileAttributesMap",
            "memberships",
        ];
        let known = [&own[..], PROPERTIES, IGNORED].concat();
        let mut body = Reader::open("User", body, &known)?;
        let memberships = match body.list("memberships") {
            Some(items) => Some(TeamRef::list(&items)?),
            None => None,
        };
        let input = Self {
            username: body.text("username"),
            display_name: body.nullable_text("displayName"),
            email: body.nullable_text("email"),
            enabled: body.bool("enabled"),
            space_admin: body.bool("spaceAdmin"),
            password: body.nullable_text("password").flatten(),
            attributes: body.attributes("attributes", "attributesMap"),
            profile_attributes: body.attributes("profileAttributes", "profileAttributesMap"),
            memberships,
            properties: body.properties(PROPERTIES),
        };
        body.finish(input)
    }
}

impl Platform {
    /// The users of the space, by username unless ordered otherwise; 1,000 a page by default.
    /// Query properties: username, displayName, email, enabled, spaceAdmin, createdAt, updatedAt,
    /// attributes[Name], profileAttributes[Name]. Space administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Refused`, `Store`.
    pub async fn users(&self, actor: &Actor, query: &ListQuery) -> Result<Page<User>, Error> {
        let _ = (actor, query, OWN);
        unimplemented!()
    }

    /// One user. Space administrators, and users themselves.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn user(&self, actor: &Actor, username: &str) -> Result<User, Error> {
        let _ = (actor, username);
        unimplemented!()
    }

    /// Creates a user; fires `Created`, and `Membership Change` for each team. Space
    /// administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `NotFound` for a team, `Unique`, `Store`.
    pub async fn create_user(&self, actor: &Actor, input: UserInput) -> Result<User, Error> {
        let _ = (actor, input);
        unimplemented!()
    }

    /// Changes a user; fires `Updated`, and `Membership Change` for each team joined or left.
    /// Space administrators; users themselves may change their display name, email, password,
    /// profile attributes, locale and time zone. The last enabled administrator stays one.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Unique`, `Stale`, `Store`.
    pub async fn update_user(
        &self,
        actor: &Actor,
        username: &str,
        input: UserInput,
    ) -> Result<User, Error> {
        let _ = (actor, username, input);
        unimplemented!()
    }

    /// Deletes a user with their memberships and sessions, and returns them as they were; fires
    /// `Deleted`. Space administrators only. The last enabled administrator cannot be deleted.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Refused`, `Stale`, `Store`.
    pub async fn delete_user(&self, actor: &Actor, username: &str) -> Result<User, Error> {
        let _ = (actor, username);
        unimplemented!()
    }
}
