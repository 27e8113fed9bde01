//! Memberships: users in teams. Each change is an event of the team and of the user.

use crate::change::{ATTEMPTS, Change, guarded};
use crate::payload::{self, Subject};
use crate::teams::slug_of;
use crate::{Actor, Error, Platform};
use model::catalogue::Level;
use model::event::Event;
use model::id::SpaceId;
use model::people::{Team, User};
use model::space::Space;
use model::time::Micros;
use serde_json::{Map, Value, json};
use store::Tx;

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
        text("slug").map(Self::Slug).or_else(|| text("name").map(Self::Name))
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
        let input = reader.finish(input)?.map(|(team, username)| (team, username.to_owned()));
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
        actor.must_administer(|| "change memberships".to_owned())?;
        for _ in ATTEMPTS {
            let (space, team, user, member) =
                self.pair(actor, input.team.clone(), &input.username).await?;
            let membership = Membership { team: team.clone(), user: user.clone() };
            if member {
                return Ok(membership);
            }
            let moves = Moves { joined: vec![(team, user)], left: Vec::new() };
            if let Some(done) = self.commit(self.moved(actor, &space, membership, moves)).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Membership" })
    }

    /// Takes a user out of a team; fires `Membership Change` of both. `key` is
    /// `{team slug}_{username}`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn remove_membership(&self, actor: &Actor, key: &str) -> Result<Membership, Error> {
        actor.must_administer(|| "change memberships".to_owned())?;
        let missing = || Error::not_found("Membership", key);
        let (slug, username) = key.split_once('_').ok_or_else(missing)?;
        for _ in ATTEMPTS {
            let slug = TeamRef::Slug(slug.to_owned());
            let (space, team, user, member) = self.pair(actor, slug, username).await?;
            if !member {
                return Err(missing());
            }
            let membership = Membership { team: team.clone(), user: user.clone() };
            let moves = Moves { joined: Vec::new(), left: vec![(team, user)] };
            if let Some(done) = self.commit(self.moved(actor, &space, membership, moves)).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Membership" })
    }

    /// The teams of a user, by name. Space administrators, and users themselves.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn teams_of(&self, actor: &Actor, username: &str) -> Result<Vec<Team>, Error> {
        actor.must_be(username, "see the teams of")?;
        let (space, name) = (actor.space_id.clone(), username.to_owned());
        let read = move |tx: &mut Tx| {
            let user = user_in(tx, &space, &name)?;
            Ok::<_, Error>(store::memberships::teams_of(tx, &user.id)?)
        };
        self.inner.store.read(read).await
    }

    /// The members of a team, by username. Space administrators, and its members.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn members_of(&self, actor: &Actor, slug: &str) -> Result<Vec<User>, Error> {
        let (space, slug) = (actor.space_id.clone(), slug.to_owned());
        let read = move |tx: &mut Tx| {
            let team = team_in(tx, &space, &TeamRef::Slug(slug.clone()))?;
            let members = store::memberships::members_of(tx, &team.id)?;
            Ok::<_, Error>((team, members))
        };
        let (team, members) = self.inner.store.read(read).await?;
        let is_member = members.iter().any(|user| actor.is(user));
        actor.must_see_team(&team, is_member)?;
        Ok(members)
    }
}

/// Users who join and leave teams in one change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    /// Who joins which team.
    pub joined: Vec<(Team, User)>,
    /// Who leaves which team.
    pub left: Vec<(Team, User)>,
}

impl Moves {
    /// Writes them; stale when somebody was faster.
    pub(crate) fn apply(&self, tx: &mut Tx, at: Micros, by: &str) -> Result<(), store::Error> {
        for (team, user) in &self.joined {
            guarded(store::memberships::insert(tx, &team.id, &user.id, at, by)?)?;
        }
        for (team, user) in &self.left {
            guarded(store::memberships::delete(tx, &team.id, &user.id)?)?;
        }
        Ok(())
    }

    /// The teams that are moved in, each once.
    fn teams(&self) -> Vec<&Team> {
        let mut teams: Vec<&Team> = Vec::new();
        for (team, _) in self.joined.iter().chain(&self.left) {
            if teams.iter().all(|known| known.id != team.id) {
                teams.push(team);
            }
        }
        teams
    }
}

/// The team that a request names.
///
/// # Errors
/// `NotFound`.
pub(crate) fn team_in(tx: &mut Tx, space: &SpaceId, team: &TeamRef) -> Result<Team, Error> {
    let (slug, key) = match team {
        TeamRef::Slug(slug) => (slug.clone(), slug),
        TeamRef::Name(name) => (slug_of(name), name),
    };
    let found = store::teams::by_slug(tx, space, &slug)?;
    found.ok_or_else(|| Error::not_found("Team", key))
}

/// The user with a username.
///
/// # Errors
/// `NotFound`.
pub(crate) fn user_in(tx: &mut Tx, space: &SpaceId, username: &str) -> Result<User, Error> {
    let found = store::users::by_username(tx, space, username)?;
    found.ok_or_else(|| Error::not_found("User", username))
}

impl Platform {
    /// A team and a user with their space, and whether the user is in the team.
    async fn pair(
        &self,
        actor: &Actor,
        team: TeamRef,
        username: &str,
    ) -> Result<(Space, Team, User, bool), Error> {
        let (space, username) = (actor.space_id.clone(), username.to_owned());
        let read = move |tx: &mut Tx| {
            let found = store::spaces::by_id(tx, &space)?;
            let found = found.ok_or_else(|| Error::not_found("Space", space.as_str()))?;
            let team = team_in(tx, &space, &team)?;
            let user = user_in(tx, &space, &username)?;
            let member = store::memberships::exists(tx, &team.id, &user.id)?;
            Ok::<_, Error>((found, team, user, member))
        };
        self.inner.store.read(read).await
    }

    fn moved(
        &self,
        actor: &Actor,
        space: &Space,
        membership: Membership,
        moves: Moves,
    ) -> Change<Membership> {
        let (now, by) = (self.now(), actor.username.clone());
        let events = self.membership_events(actor, now, space, &moves);
        Change::new(membership, events, move |tx| moves.apply(tx, now, &by))
    }

    /// One event for each team that is moved in, and one for each user and team.
    pub(crate) fn membership_events(
        &self,
        actor: &Actor,
        at: Micros,
        space: &Space,
        moves: &Moves,
    ) -> Vec<Event> {
        let action = "Membership Change";
        let teams = moves.teams();
        if teams.is_empty() {
            return Vec::new();
        }
        let space = payload::space(space);
        let mut events = Vec::new();
        for team in teams {
            let of_team = |pairs: &[(Team, User)]| -> Vec<User> {
                let pairs = pairs.iter().filter(|(other, _)| other.id == team.id);
                pairs.map(|(_, user)| user.clone()).collect()
            };
            let (joined, left) = (of_team(&moves.joined), of_team(&moves.left));
            let names = |users: &[User]| -> Vec<String> {
                users.iter().map(|user| user.username.clone()).collect()
            };
            let mut body = Map::new();
            body.insert("space".to_owned(), space.clone());
            body.insert("team".to_owned(), payload::team(team));
            let membership = |added: &[User], removed: &[User]| -> Value {
                json!({"usersAdded": names(added), "usersRemoved": names(removed)})
            };
            body.insert("teamMembership".to_owned(), membership(&joined, &left));
            events.push(self.event(actor, at, &team_subject(team), action, body.clone()));
            for (user, is_joining) in
                joined.iter().map(|user| (user, true)).chain(left.iter().map(|user| (user, false)))
            {
                let alone = std::slice::from_ref(user);
                let (added, removed) = if is_joining { (alone, &[][..]) } else { (&[][..], alone) };
                let mut body = body.clone();
                body.insert("user".to_owned(), payload::user(user));
                body.insert("teamMembership".to_owned(), membership(added, removed));
                events.push(self.event(actor, at, &user_subject(user), action, body));
            }
        }
        events
    }
}

/// A team as the subject of an event.
pub(crate) fn team_subject(team: &Team) -> Subject<'_> {
    Subject {
        level: Level::Space,
        type_name: "Team",
        entity_type: "Team",
        id: team.id.as_str(),
        key: &team.slug,
        label: team.name.clone(),
        context: None,
    }
}

/// A user as the subject of an event.
pub(crate) fn user_subject(user: &User) -> Subject<'_> {
    Subject {
        level: Level::Space,
        type_name: "User",
        entity_type: "User",
        id: user.id.as_str(),
        key: &user.username,
        label: user.display_name.clone().unwrap_or_else(|| user.username.clone()),
        context: None,
    }
}
