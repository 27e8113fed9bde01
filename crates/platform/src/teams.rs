//! Teams. Their slug follows from their name.

use crate::change::{ATTEMPTS, Change, guarded};
use crate::input::{Checks, Reader, merge, set_attributes};
use crate::kql::{Operand, Queryable};
use crate::memberships::{Moves, TeamRef, team_in, team_subject, user_in};
use crate::{Actor, Error, ListQuery, Page, Platform, list, payload};
use md5::{Digest, Md5};
use model::id::TeamId;
use model::people::{Team, User};
use model::{Attributes, Audit, limits};
use serde_json::{Map, Value};
use std::fmt::Write;
use store::Tx;

/// Documented properties of a team that are kept and returned as they were given.
pub const PROPERTIES: &[&str] = &["icon"];
/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] = &["slug", "localName", "parentName", "space", "restorationToken"];

/// A new team, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamInput {
    /// The id of a new team; drawn when `None`.
    pub id: Option<TeamId>,
    /// Unique in the space; decides the slug.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Its attributes; replaces all of them.
    pub attributes: Option<Attributes>,
    /// Attributes to set one by one, after the others; an empty list removes one.
    pub attribute_changes: Attributes,
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
        let own = ["name", "description", "attributes", "attributesMap", "memberships"];
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
            id: None,
            name: body.text("name"),
            description: body.nullable_text("description"),
            attributes: body.attributes("attributes", "attributesMap"),
            attribute_changes: Attributes::new(),
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
        actor.must_be_somebody()?;
        let (space, user) = (actor.space_id.clone(), actor.user_id.clone());
        let all = actor.is_space_admin;
        let read = move |tx: &mut Tx| match &user {
            Some(user) if !all => store::memberships::teams_of(tx, user),
            _ => store::teams::list(tx, &space),
        };
        list::page(self.inner.store.read(read).await?, query)
    }

    /// The deleted teams that can be restored, latest first. Space administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn archived_teams(&self, actor: &Actor) -> Result<Vec<Team>, Error> {
        actor.must_administer(|| "see deleted Teams".to_owned())?;
        let space = actor.space_id.clone();
        let read = move |tx: &mut Tx| store::teams::archived(tx, &space, limits::PAGE_ROWS_MAX);
        Ok(self.inner.store.read(read).await?)
    }

    /// One team. Space administrators, and its members.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn team(&self, actor: &Actor, slug: &str) -> Result<Team, Error> {
        let (space, slug) = (actor.space_id.clone(), slug.to_owned());
        let user = actor.user_id.clone();
        let read = move |tx: &mut Tx| {
            let team = team_in(tx, &space, &TeamRef::Slug(slug.clone()))?;
            let is_member = match &user {
                Some(user) => store::memberships::exists(tx, &team.id, user)?,
                None => false,
            };
            Ok::<_, Error>((team, is_member))
        };
        let (team, is_member) = self.inner.store.read(read).await?;
        actor.must_see_team(&team, is_member)?;
        Ok(team)
    }

    /// Creates a team; fires `Created`, and `Membership Change` when it has members. With the id
    /// of a team that has that name already, returns it and fires nothing. Space administrators
    /// only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `NotFound` for a user, `Unique`, `Store`.
    pub async fn create_team(&self, actor: &Actor, input: TeamInput) -> Result<Team, Error> {
        actor.must_administer(|| "create Teams".to_owned())?;
        for _ in ATTEMPTS {
            let now = self.now();
            if let (Some(id), Some(name)) = (&input.id, &input.name)
                && let Ok(existing) = self.team(actor, &slug_of(name)).await
                && existing.id == *id
            {
                return Ok(existing);
            }
            let team = Team {
                id: input.id.clone().unwrap_or_else(|| TeamId::new(self.inner.runtime.uuid())),
                space_id: actor.space_id.clone(),
                name: String::new(),
                slug: String::new(),
                description: None,
                attributes: Attributes::new(),
                properties: Map::new(),
                restoration_token: None,
                version: 1,
                audit: Audit::created(now, &actor.username),
            };
            let team = applied(&input, team)?;
            let change = self
                .written_team(actor, None, team, input.memberships.as_deref(), "Created")
                .await?;
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Team" })
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
        actor.must_administer(|| format!("update the {slug} Team"))?;
        for _ in ATTEMPTS {
            let before = self.team(actor, slug).await?;
            let team = applied(&input, before.clone())?;
            let members = input.memberships.as_deref();
            let change = self.written_team(actor, Some(before), team, members, "Updated").await?;
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Team" })
    }

    /// Deletes a team softly: the team returned holds its restoration token, its members are
    /// kept. Fires `Deleted`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn delete_team(&self, actor: &Actor, slug: &str) -> Result<Team, Error> {
        actor.must_administer(|| format!("delete the {slug} Team"))?;
        for _ in ATTEMPTS {
            let before = self.team(actor, slug).await?;
            let mut team = before.clone();
            team.restoration_token = Some(self.inner.runtime.token(16));
            let change = self.written_team(actor, Some(before), team, None, "Deleted").await?;
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Team" })
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
        actor.must_administer(|| "restore deleted Teams".to_owned())?;
        for _ in ATTEMPTS {
            let (space, key) = (actor.space_id.clone(), token.to_owned());
            let read = move |tx: &mut Tx| store::teams::by_restoration_token(tx, &space, &key);
            let before = self.inner.store.read(read).await?;
            let before = before.ok_or_else(|| Error::not_found("Team", token))?;
            let mut team = applied(&input, before.clone())?;
            team.restoration_token = None;
            let members = input.memberships.as_deref();
            let change = self.written_team(actor, Some(before), team, members, "Restored").await?;
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Team" })
    }
}

/// The slug of a team: the MD5 of its lower-cased name, in hex.
pub fn slug_of(name: &str) -> String {
    let digest = Md5::digest(name.to_lowercase());
    digest.iter().fold(String::with_capacity(32), |mut slug, byte| {
        let _ = write!(slug, "{byte:02x}");
        slug
    })
}

fn applied(input: &TeamInput, mut team: Team) -> Result<Team, Error> {
    if let Some(name) = &input.name {
        team.name.clone_from(name);
    }
    if let Some(description) = &input.description {
        team.description.clone_from(description);
    }
    if let Some(attributes) = &input.attributes {
        team.attributes.clone_from(attributes);
    }
    set_attributes(&mut team.attributes, &input.attribute_changes);
    merge(&mut team.properties, &input.properties);
    team.slug = slug_of(&team.name);
    let mut checks = Checks::of("Team");
    checks.name("name", &team.name);
    if !team.name.is_empty() && team.name.split("::").any(|part| part.trim().is_empty()) {
        checks.problem("name", "Name must not have blank parts between ::");
    }
    checks.free_text("description", team.description.as_ref());
    checks.finish()?;
    Ok(team)
}

impl Platform {
    /// The change that writes a team, new when there is no `before`, with its members when they
    /// are given.
    async fn written_team(
        &self,
        actor: &Actor,
        before: Option<Team>,
        mut team: Team,
        members: Option<&[String]>,
        action: &'static str,
    ) -> Result<Change<Team>, Error> {
        let now = self.now();
        if before.is_some() {
            team.version += 1;
            team.audit.touch(now, &actor.username);
        }
        let shown = self.shown_space(actor).await?;
        let moves = match members {
            Some(members) => self.team_moves(actor, &team, members).await?,
            None => Moves::default(),
        };
        let mut body = Map::new();
        body.insert("team".to_owned(), payload::team(&team));
        if let Some(before) = &before {
            body.insert("teamPrevious".to_owned(), payload::team(before));
        }
        let subject = team_subject(&team);
        let mut events = vec![self.event_in(actor, now, &subject, action, (&shown.part, body))];
        events.extend(self.membership_events(actor, now, &shown.space, &moves));
        let (written, by) = (team.clone(), actor.username.clone());
        let from = before.map(|before| before.version);
        let name = team.name.clone();
        let change = Change::new(team, events, move |tx| {
            match from {
                None => store::teams::insert(tx, &written)?,
                Some(from) => guarded(store::teams::update(tx, &written, from)?)?,
            }
            moves.apply(tx, now, &by)
        });
        Ok(change.unique("Team", "name", name))
    }

    /// Who has to join and leave so that exactly `usernames` are in the team.
    async fn team_moves(
        &self,
        actor: &Actor,
        team: &Team,
        usernames: &[String],
    ) -> Result<Moves, Error> {
        let (space, team, wanted) = (actor.space_id.clone(), team.clone(), usernames.to_vec());
        let read = move |tx: &mut Tx| {
            let present: Vec<User> = store::memberships::members_of(tx, &team.id)?;
            let mut moves = Moves::default();
            for username in &wanted {
                let known = |user: &User| user.username == *username;
                let repeated = moves.joined.iter().any(|(_, user)| known(user));
                if !repeated && !present.iter().any(known) {
                    moves.joined.push((team.clone(), user_in(tx, &space, username)?));
                }
            }
            let gone = present.into_iter().filter(|user| !wanted.contains(&user.username));
            moves.left = gone.map(|user| (team.clone(), user)).collect();
            Ok::<_, Error>(moves)
        };
        self.inner.store.read(read).await
    }
}

impl Queryable for Team {
    const PROPERTIES: &'static [&'static str] = &[
        "name",
        "localName",
        "parentName",
        "slug",
        "description",
        "createdAt",
        "updatedAt",
        "attributes[…]",
    ];
    const KEY: &'static str = "name";

    fn property(&self, name: &str) -> Option<Operand<'_>> {
        let (parent, local) = payload::team_names(&self.name);
        Some(match name {
            "name" => Operand::text(&self.name),
            "localName" => Operand::text(local),
            "parentName" => Operand::optional(parent),
            "slug" => Operand::text(&self.slug),
            "description" => Operand::optional(self.description.as_deref()),
            "createdAt" => Operand::instant(self.audit.created_at),
            "updatedAt" => Operand::instant(self.audit.updated_at),
            _ => return None,
        })
    }

    fn element(&self, list: &str, name: &str) -> Option<Operand<'_>> {
        (list == "attributes").then(|| Operand::json(self.attributes.get(name)))
    }

    fn key(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::slug_of;

    #[test]
    fn slugs_are_the_digest_of_the_lower_cased_name() {
        assert_eq!(slug_of("Administrators"), slug_of("administrators"));
        assert_eq!(slug_of("a"), "0cc175b9c0f1b6a831c399e269772661");
    }
}
