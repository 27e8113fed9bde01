//! Users.

use crate::change::{ATTEMPTS, Change, guarded};
use crate::input::{Checks, Reader, merge, set_attributes};
use crate::kql::{Operand, Queryable};
use crate::memberships::{Moves, TeamRef, team_in, user_in, user_subject};
use crate::{Actor, Error, ListQuery, Page, Platform};
use crate::{actor, addresses, list, passwords, payload};
use model::id::UserId;
use model::limits::USERS_LISTED_MAX;
use model::people::User;
use model::{Attributes, Audit};
use serde_json::{Map, Value};
use store::Tx;

/// Documented properties of a user that are kept and returned as they were given.
pub const PROPERTIES: &[&str] = &["allowedIps", "preferredLocale", "timezone"];
/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] = &["space", "invitedBy", "authorization", "createdBy"];
/// Properties of [`PROPERTIES`] that users may change on themselves.
const OWN: &[&str] = &["preferredLocale", "timezone"];

/// A new user, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Default, PartialEq)]
pub struct UserInput {
    /// The id of a new user; drawn when `None`.
    pub id: Option<UserId>,
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
    /// Attributes to set one by one, after the others; an empty list removes one.
    pub attribute_changes: Attributes,
    /// Their profile attributes; replaces all of them.
    pub profile_attributes: Option<Attributes>,
    /// Profile attributes to set one by one, after the others; an empty list removes one.
    pub profile_attribute_changes: Attributes,
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
            id: None,
            username: body.text("username"),
            display_name: body.nullable_text("displayName"),
            email: body.nullable_text("email"),
            enabled: body.bool("enabled"),
            space_admin: body.bool("spaceAdmin"),
            password: body.nullable_text("password").flatten(),
            attributes: body.attributes("attributes", "attributesMap"),
            attribute_changes: Attributes::new(),
            profile_attributes: body.attributes("profileAttributes", "profileAttributesMap"),
            profile_attribute_changes: Attributes::new(),
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
        actor.must_administer(|| "see all Users".to_owned())?;
        let space = actor.space_id.clone();
        let read = move |tx: &mut Tx| store::users::list(tx, &space, "", USERS_LISTED_MAX + 1);
        let users = self.inner.store.read(read).await?;
        if i64::try_from(users.len()).is_ok_and(|users| users > USERS_LISTED_MAX) {
            tracing::warn!("a list of users is cut at {USERS_LISTED_MAX}");
        }
        list::page(users, query)
    }

    /// One user. Space administrators, and users themselves.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn user(&self, actor: &Actor, username: &str) -> Result<User, Error> {
        actor.must_be(username, "see")?;
        let (space, key) = (actor.space_id.clone(), username.to_owned());
        self.inner.store.read(move |tx: &mut Tx| user_in(tx, &space, &key)).await
    }

    /// Creates a user; fires `Created`, and `Membership Change` for each team. With the id of a
    /// user who has that username already, returns them and fires nothing. Space administrators
    /// only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `NotFound` for a team, `Unique`, `Store`.
    pub async fn create_user(&self, actor: &Actor, input: UserInput) -> Result<User, Error> {
        actor.must_administer(|| "create Users".to_owned())?;
        let hash = self.new_hash(&input).await?;
        for _ in ATTEMPTS {
            let now = self.now();
            if let (Some(id), Some(username)) = (&input.id, &input.username)
                && let Ok(existing) = self.user(actor, username).await
                && existing.id == *id
            {
                return Ok(existing);
            }
            let user = User {
                id: input.id.clone().unwrap_or_else(|| UserId::new(self.inner.runtime.uuid())),
                space_id: actor.space_id.clone(),
                username: String::new(),
                display_name: None,
                email: None,
                enabled: true,
                space_admin: false,
                password_hash: hash.clone(),
                invited_by: None,
                attributes: Attributes::new(),
                profile_attributes: Attributes::new(),
                properties: Map::new(),
                version: 1,
                audit: Audit::created(now, &actor.username),
            };
            let user = applied(&input, user)?;
            let change = self.written_user(actor, None, user, input.memberships.as_deref()).await?;
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "User" })
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
        actor.must_be(username, "update")?;
        let hash = self.new_hash(&input).await?;
        for _ in ATTEMPTS {
            let before = self.user(actor, username).await?;
            let mut user = applied(&input, before.clone())?;
            if hash.is_some() {
                user.password_hash.clone_from(&hash);
            }
            actor.must_be_own(&before, &user, &input)?;
            let change =
                self.written_user(actor, Some(before), user, input.memberships.as_deref()).await?;
            if let Some(user) = self.commit(change).await? {
                self.inner.verified.drop_user(&user.id);
                return Ok(user);
            }
        }
        Err(Error::Stale { noun: "User" })
    }

    /// Deletes a user with their memberships and sessions, and returns them as they were; fires
    /// `Deleted`. Space administrators only. The last enabled administrator cannot be deleted.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Refused`, `Stale`, `Store`.
    pub async fn delete_user(&self, actor: &Actor, username: &str) -> Result<User, Error> {
        actor.must_administer(|| format!("delete the {username} User"))?;
        for _ in ATTEMPTS {
            let user = self.user(actor, username).await?;
            let space = self.space(actor).await?;
            let guard = LastAdministrator::of(Some(&user), None);
            self.check_administrators(actor, guard).await?;
            let mut body = Map::new();
            body.insert("space".to_owned(), payload::space(&space));
            body.insert("user".to_owned(), payload::user(&user));
            let event = self.event(actor, self.now(), &user_subject(&user), "Deleted", body);
            let gone = user.clone();
            let change = Change::new(user, vec![event], move |tx| {
                guarded(store::users::delete(tx, &gone.id, gone.version)?)?;
                guard.check(tx, &gone)
            });
            if let Some(user) = self.commit(change).await? {
                self.inner.verified.drop_user(&user.id);
                return Ok(user);
            }
        }
        Err(Error::Stale { noun: "User" })
    }
}

/// Whether a change takes the rights of an enabled administrator, and so could take the last one.
#[derive(Clone, Copy)]
struct LastAdministrator {
    at_stake: bool,
}

impl LastAdministrator {
    fn of(before: Option<&User>, after: Option<&User>) -> Self {
        let counts = |user: Option<&User>| user.is_some_and(|u| u.enabled && u.space_admin);
        Self { at_stake: counts(before) && !counts(after) }
    }

    /// Fails as stale when no administrator is left, so that the change is decided again.
    fn check(self, tx: &mut Tx, user: &User) -> Result<(), store::Error> {
        if !self.at_stake {
            return Ok(());
        }
        store::spaces::lock(tx, &user.space_id)?;
        guarded(store::users::administrators(tx, &user.space_id)? > 0)
    }
}

impl Actor {
    /// Lets administrators through, and users whose change touches only what is theirs.
    fn must_be_own(&self, before: &User, after: &User, input: &UserInput) -> Result<(), Error> {
        if self.is_space_admin {
            return Ok(());
        }
        let properties = |user: &User| {
            let mut rest = user.properties.clone();
            rest.retain(|name, _| !OWN.contains(&name.as_str()));
            rest
        };
        let touched = [
            ("username", before.username != after.username),
            ("enabled", before.enabled != after.enabled),
            ("spaceAdmin", before.space_admin != after.space_admin),
            ("attributes", before.attributes != after.attributes),
            ("allowedIps", properties(before) != properties(after)),
            ("memberships", input.memberships.is_some()),
        ];
        match touched.into_iter().find(|(_, touched)| *touched) {
            None => Ok(()),
            Some((name, _)) => {
                let act = format!("change the {name} of the {} User", before.username);
                Err(Error::Forbidden { act })
            }
        }
    }
}

/// Notes what is wrong with a username.
pub(crate) fn check_username(checks: &mut Checks, username: &str) {
    checks.name("username", username);
    if username.trim() != username {
        checks.problem("username", "Username must not begin or end with white space");
    }
    if [actor::SYSTEM_USERNAME, actor::ANONYMOUS_USERNAME].contains(&username) {
        checks.problem("username", format!("Username must not be \"{username}\""));
    }
}

fn applied(input: &UserInput, mut user: User) -> Result<User, Error> {
    if let Some(username) = &input.username {
        user.username.clone_from(username);
    }
    if let Some(name) = &input.display_name {
        user.display_name = name.clone().filter(|name| !name.is_empty());
    }
    if let Some(email) = &input.email {
        user.email = email.clone().filter(|email| !email.is_empty());
    }
    user.enabled = input.enabled.unwrap_or(user.enabled);
    user.space_admin = input.space_admin.unwrap_or(user.space_admin);
    if let Some(attributes) = &input.attributes {
        user.attributes.clone_from(attributes);
    }
    set_attributes(&mut user.attributes, &input.attribute_changes);
    if let Some(attributes) = &input.profile_attributes {
        user.profile_attributes.clone_from(attributes);
    }
    set_attributes(&mut user.profile_attributes, &input.profile_attribute_changes);
    merge(&mut user.properties, &input.properties);
    let mut checks = Checks::of("User");
    check_username(&mut checks, &user.username);
    checks.free_text("displayName", user.display_name.as_ref());
    checks.free_text("email", user.email.as_ref());
    match user.properties.get(addresses::PROPERTY) {
        None => {}
        Some(Value::String(listed)) => {
            if let Err(part) = addresses::parse(listed) {
                let message = format!("Allowed Ips must be addresses or networks, not \"{part}\"");
                checks.problem(addresses::PROPERTY, message);
            }
        }
        Some(_) => checks.problem(addresses::PROPERTY, "Allowed Ips must be text"),
    }
    checks.finish()?;
    Ok(user)
}

impl Platform {
    /// The verifier of the password that an input sets, made before anything is decided.
    async fn new_hash(&self, input: &UserInput) -> Result<Option<String>, Error> {
        let Some(password) = &input.password else { return Ok(None) };
        let mut checks = Checks::of("User");
        passwords::check(&mut checks, password);
        checks.finish()?;
        self.hash_password(password.clone()).await.map(Some)
    }

    /// The change that writes a user, new when there is no `before`, with their teams when they
    /// are given. A new password and a lock-out end all sessions.
    async fn written_user(
        &self,
        actor: &Actor,
        before: Option<User>,
        mut user: User,
        teams: Option<&[TeamRef]>,
    ) -> Result<Change<User>, Error> {
        let now = self.now();
        if before.is_some() {
            user.version += 1;
            user.audit.touch(now, &actor.username);
        }
        let shown = self.shown_space(actor).await?;
        let moves = match teams {
            Some(teams) => self.user_moves(actor, &user, teams).await?,
            None => Moves::default(),
        };
        let guard = LastAdministrator::of(before.as_ref(), Some(&user));
        self.check_administrators(actor, guard).await?;
        let mut body = Map::new();
        body.insert("user".to_owned(), payload::user(&user));
        if let Some(before) = &before {
            body.insert("userPrevious".to_owned(), payload::user(before));
        }
        let action = if before.is_some() { "Updated" } else { "Created" };
        let subject = user_subject(&user);
        let mut events = vec![self.event_in(actor, now, &subject, action, (&shown.part, body))];
        events.extend(self.membership_events(actor, now, &shown.space, &moves));
        let (written, by, name) = (user.clone(), actor.username.clone(), user.username.clone());
        let change = Change::new(user, events, move |tx| {
            match &before {
                None => store::users::insert(tx, &written)?,
                Some(before) => {
                    guarded(store::users::update(tx, &written, before.version)?)?;
                    if before.password_hash != written.password_hash || !written.enabled {
                        store::sessions::delete_of(tx, &written.id)?;
                    }
                }
            }
            guard.check(tx, &written)?;
            moves.apply(tx, now, &by)
        });
        Ok(change.unique("User", "username", name))
    }

    async fn check_administrators(
        &self,
        actor: &Actor,
        guard: LastAdministrator,
    ) -> Result<(), Error> {
        if !guard.at_stake {
            return Ok(());
        }
        let space = actor.space_id.clone();
        let read = move |tx: &mut Tx| store::users::administrators(tx, &space);
        if self.inner.store.read(read).await? <= 1 {
            return Err(Error::refused(
                "Unable to delete, disable or demote the last enabled space administrator",
            ));
        }
        Ok(())
    }

    /// Which teams to join and to leave so that the user is in exactly `teams`.
    async fn user_moves(
        &self,
        actor: &Actor,
        user: &User,
        teams: &[TeamRef],
    ) -> Result<Moves, Error> {
        let (space, user, wanted) = (actor.space_id.clone(), user.clone(), teams.to_vec());
        let read = move |tx: &mut Tx| {
            let present = store::memberships::teams_of(tx, &user.id)?;
            let mut kept = Vec::new();
            let mut moves = Moves::default();
            for team in &wanted {
                let team = team_in(tx, &space, team)?;
                if present.iter().any(|other| other.id == team.id) {
                    kept.push(team.id);
                } else if moves.joined.iter().all(|(other, _)| other.id != team.id) {
                    moves.joined.push((team, user.clone()));
                }
            }
            let gone = present.into_iter().filter(|team| !kept.contains(&team.id));
            moves.left = gone.map(|team| (team, user.clone())).collect();
            Ok::<_, Error>(moves)
        };
        self.inner.store.read(read).await
    }
}

impl Queryable for User {
    const PROPERTIES: &'static [&'static str] = &[
        "username",
        "displayName",
        "email",
        "enabled",
        "spaceAdmin",
        "createdAt",
        "updatedAt",
        "attributes[…]",
        "profileAttributes[…]",
    ];
    const KEY: &'static str = "username";

    fn property(&self, name: &str) -> Option<Operand<'_>> {
        Some(match name {
            "username" => Operand::text(&self.username),
            "displayName" => Operand::optional(self.display_name.as_deref()),
            "email" => Operand::optional(self.email.as_deref()),
            "enabled" => Operand::bool(self.enabled),
            "spaceAdmin" => Operand::bool(self.space_admin),
            "createdAt" => Operand::instant(self.audit.created_at),
            "updatedAt" => Operand::instant(self.audit.updated_at),
            _ => return None,
        })
    }

    fn element(&self, list: &str, name: &str) -> Option<Operand<'_>> {
        match list {
            "attributes" => Some(Operand::json(self.attributes.get(name))),
            "profileAttributes" => Some(Operand::json(self.profile_attributes.get(name))),
            _ => None,
        }
    }

    fn key(&self) -> &str {
        &self.username
    }
}
