//! Memberships: users in teams. Each change is an event of the team and of the user.

use crate::{Actor, Error, Platform};
use model::people::{Team, User};
use serde_json::Value;

/// How a request names a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamRef {
    /// By its slug.
    Slug(String),
    /// By its name.
    Name(String),
}

/// A user in a team.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// The team.
    pub team: Team,
    /// The user.
    pub user: User,
}

impl TeamRef {
    /// Reads `{"slug": …}` or `{"name": …}`.
    pub fn from_json(team: &Value) -> Option<Self> {
        let text = |name: &str| team.get(name).and_then(Value::as_str).map(str::to_owned);
        text("slug")
            .map(Self::Slug)
            .or_else(|| text("name").map(Self::Name))
    }

    /// Reads `[{"team": {…}}]`.
    pub(crate) fn list(items: &[Value]) -> Result<Vec<Self>, Error> {
        let team = |item: &Value| {
            item.get("team").and_then(Self::from_json).ok_or_else(|| {
                Error::invalid("User", "memberships", "Memberships must each name a team")
            })
        };
        items.iter().map(team).collect()
    }
}

/// A membership to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipInput {
    /// The team.
    pub team: TeamRef,
    /// The username.
    pub username: String,
}

impl MembershipInput {
    /// Reads `{"team": {"name" | "slug"}, "user": {"username"}}`.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` when the team or the user is not named.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let mut reader = crate::input::Reader::open("Membership", body, &["team", "user"])?;
        let team = body.get("team").and_then(TeamRef::from_json);
        let username = body.pointer("/user/username").and_then(Value::as_str);
        if team.is_none() {
            reader.problem("team", "Team must not be blank");
        }
        if username.is_none() {
            reader.problem("user", "User must not be blank");
        }
        let input = team.zip(username);
        let input = reader
            .finish(input)?
            .map(|(team, username)| (team, username.to_owned()));
        let (team, username) = input.ok_or_else(|| {
            Error::invalid("Membership", "team", "Team and user must not be blank")
        })?;
        Ok(Self { team, username })
    }
}

impl Platform {
    /// Puts a user into a team; fires `Membership Change` of both, or nothing when the user is in
    /// the team already. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn add_membership(
        &self,
        actor: &Actor,
        input: MembershipInput,
    ) -> Result<Membership, Error> {
        let _ = (actor, input);
        unimplemented!()
    }

    /// Takes a user out of a team; fires `Membership Change` of both. `key` is
    /// `{team slug}_{username}`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn remove_membership(&self, actor: &Actor, key: &str) -> Result<Membership, Error> {
        let _ = (actor, key);
        unimplemented!()
    }

    /// The teams of a user, by name. Space administrators, and users themselves.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn teams_of(&self, actor: &Actor, username: &str) -> Result<Vec<Team>, Error> {
        let _ = (actor, username);
        unimplemented!()
    }

    /// The members of a team, by username. Space administrators, and its members.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn members_of(&self, actor: &Actor, slug: &str) -> Result<Vec<User>, Error> {
        let _ = (actor, slug);
        unimplemented!()
    }
}
