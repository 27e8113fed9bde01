//! Teams. Their slug follows from their name.

use crate::input::Reader;
use crate::{Actor, Error, ListQuery, Page, Platform};
use model::Attributes;
use model::people::Team;
use serde_json::{Map, Value};

/// Documented properties of a team that are kept and returned as they were given.
pub const PROPERTIES: &[&str] = &["icon"];
/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] = &[
    "slug",
    "localName",
    "parentName",
    "space",
    "restorationToken",
];

/// A new team, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::option_option,
    reason = "absent, null and text are three things here"
)]
pub struct TeamInput {
    /// Unique in the space; decides the slug.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Its attributes; replaces all of them.
    pub attributes: Option<Attributes>,
    /// The usernames of all members; whoever is not in the list leaves.
    pub memberships: Option<Vec<String>>,
    /// Other documented properties; each replaces its former value, null removes it.
    pub properties: Map<String, Value>,
}

impl TeamInput {
    /// Reads a request body. Memberships are `[{"user": {"username"}}]`.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` for values of a wrong type.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let own = [
            "name",
            "description",
            "attributes",
            "attributesMap",
            "memberships",
        ];
        let known = [&own[..], PROPERTIES, IGNORED].concat();
        let mut body = Reader::open("Team", body, &known)?;
        let mut memberships = None;
        for item in body.list("memberships").into_iter().flatten() {
            let username = item.pointer("/user/username").and_then(Value::as_str);
            let usernames: &mut Vec<String> = memberships.get_or_insert_default();
            match username {
                Some(username) => usernames.push(username.to_owned()),
                None => body.problem("memberships", "Memberships must each name a user"),
            }
        }
        if body.has("memberships") {
            memberships.get_or_insert_default();
        }
        let input = Self {
            name: body.text("name"),
            description: body.nullable_text("description"),
            attributes: body.attributes("attributes", "attributesMap"),
            memberships,
            properties: body.properties(PROPERTIES),
        };
        body.finish(input)
    }
}

impl Platform {
    /// The teams of the space, by name unless ordered otherwise; 1,000 a page by default. Query
    /// properties: name, localName, parentName, slug, createdAt, updatedAt, attributes[Name].
    /// Space administrators see all teams, other users their own.
    ///
    /// # Errors
    /// `Unauthenticated`, `Refused`, `Store`.
    pub async fn teams(&self, actor: &Actor, query: &ListQuery) -> Result<Page<Team>, Error> {
        let _ = (actor, query);
        unimplemented!()
    }

    /// The deleted teams that can be restored, latest first. Space administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn archived_teams(&self, actor: &Actor) -> Result<Vec<Team>, Error> {
        let _ = actor;
        unimplemented!()
    }

    /// One team. Space administrators, and its members.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn team(&self, actor: &Actor, slug: &str) -> Result<Team, Error> {
        let _ = (actor, slug);
        unimplemented!()
    }

    /// Creates a team; fires `Created`, and `Membership Change` when it has members. Space
    /// administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `NotFound` for a user, `Unique`, `Store`.
    pub async fn create_team(&self, actor: &Actor, input: TeamInput) -> Result<Team, Error> {
        let _ = (actor, input);
        unimplemented!()
    }

    /// Changes a team; a new name changes its slug. Fires `Updated`, and `Membership Change` when
    /// somebody joins or leaves. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Unique`, `Stale`, `Store`.
    pub async fn update_team(
        &self,
        actor: &Actor,
        slug: &str,
        input: TeamInput,
    ) -> Result<Team, Error> {
        let _ = (actor, slug, input);
        unimplemented!()
    }

    /// Deletes a team softly: the team returned holds its restoration token, its members are
    /// kept. Fires `Deleted`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn delete_team(&self, actor: &Actor, slug: &str) -> Result<Team, Error> {
        let _ = (actor, slug);
        unimplemented!()
    }

    /// Brings a deleted team back, changed by `input`; fires `Restored`. Space administrators
    /// only.
    ///
    /// # Errors
    /// `NotFound` for the token, `Forbidden`, `Invalid`, `Unique`, `Stale`, `Store`.
    pub async fn restore_team(
        &self,
        actor: &Actor,
        token: &str,
        input: TeamInput,
    ) -> Result<Team, Error> {
        let _ = (actor, token, input);
        unimplemented!()
    }
}
