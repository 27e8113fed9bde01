//! Users, teams, memberships and attributes, changed by nodes of runs as the platform's use cases
//! do it.

use super::PlatformLater;
use super::outside::{failure, repeated};
use model::id::{TeamId, UserId};
use platform::forms::FormInput;
use platform::kapps::KappInput;
use platform::memberships::{MembershipInput, TeamRef};
use platform::spaces::SpaceInput;
use platform::teams::{TeamInput, slug_of};
use platform::users::UserInput;
use platform::{Actor, BoxFuture, Error, Platform, Scope};
use runtime::Runtime;
use serde_json::{Map, Value};
use workflows::engine::{Behalf, Failure, Records};
use workflows::handlers::{RecordChange, Target};

type Results = Map<String, Value>;

/// Changes records as the system, which may do what an administrator may.
pub(super) struct PlatformRecords {
    platform: PlatformLater,
    runtime: Runtime,
}

impl PlatformRecords {
    pub(super) fn new(platform: PlatformLater, runtime: Runtime) -> Self {
        Self { platform, runtime }
    }
}

impl Records for PlatformRecords {
    fn change<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        change: &'a RecordChange,
    ) -> BoxFuture<'a, Result<Results, Failure>> {
        Box::pin(async move {
            let platform = self.platform.get();
            let platform =
                platform.ok_or_else(|| Failure("The server is still starting.".to_owned()))?;
            let actor = Actor::system(behalf.space_id.clone(), behalf.cause.clone());
            let make = || changed(platform, &actor, key, change);
            repeated(&self.runtime, make).await.map_err(|error| failure(&error))
        })
    }
}

async fn changed(
    platform: &Platform,
    actor: &Actor,
    key: &str,
    change: &RecordChange,
) -> Result<Results, Error> {
    match change {
        RecordChange::UserCreate(properties) => {
            let id = Some(UserId(id("user", &actor.space_id.0, key)));
            let input = UserInput { id, ..UserInput::from_json(properties)? };
            let user = platform.create_user(actor, input).await?;
            Ok(named([("Username", user.username)]))
        }
        RecordChange::UserUpdate { username, properties } => {
            let input = UserInput::from_json(properties)?;
            let user = platform.update_user(actor, username, input).await?;
            Ok(named([("Username", user.username)]))
        }
        RecordChange::TeamCreate(properties) => {
            let id = Some(TeamId(id("team", &actor.space_id.0, key)));
            let input = TeamInput { id, ..TeamInput::from_json(properties)? };
            let team = platform.create_team(actor, input).await?;
            Ok(named([("Name", team.name), ("Slug", team.slug)]))
        }
        RecordChange::TeamUpdate { team, properties } => {
            let slug = slug(platform, actor, team).await?;
            let input = TeamInput::from_json(properties)?;
            let team = platform.update_team(actor, &slug, input).await?;
            Ok(named([("Name", team.name), ("Slug", team.slug)]))
        }
        RecordChange::Membership { team, username, is_member } => {
            let slug = slug(platform, actor, team).await?;
            if *is_member {
                let team = TeamRef::Slug(slug);
                let input = MembershipInput { team, username: username.clone() };
                platform.add_membership(actor, input).await?;
            } else {
                match platform.remove_membership(actor, &format!("{slug}_{username}")).await {
                    Ok(_) | Err(Error::NotFound { noun: "Membership", .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(Map::new())
        }
        RecordChange::Attributes { target, values } => {
            set_attributes(platform, actor, target, values.clone()).await?;
            Ok(Map::new())
        }
    }
}

async fn set_attributes(
    platform: &Platform,
    actor: &Actor,
    target: &Target,
    attribute_changes: Map<String, Value>,
) -> Result<(), Error> {
    match target {
        Target::Space => {
            let input = SpaceInput { attribute_changes, ..SpaceInput::default() };
            platform.update_space(actor, input).await.map(drop)
        }
        Target::Kapp(kapp) => {
            let input = KappInput { attribute_changes, ..KappInput::default() };
            platform.update_kapp(actor, kapp, input).await.map(drop)
        }
        Target::Form(kapp, form) => {
            let scope = kapp.as_deref().map_or(Scope::Datastore, Scope::Kapp);
            let input = FormInput { attribute_changes, ..FormInput::default() };
            platform.update_form(actor, scope, form, input).await.map(drop)
        }
        Target::User(username) => {
            let input = UserInput { attribute_changes, ..UserInput::default() };
            platform.update_user(actor, username, input).await.map(drop)
        }
        Target::UserProfile(username) => {
            let profile_attribute_changes = attribute_changes;
            let input = UserInput { profile_attribute_changes, ..UserInput::default() };
            platform.update_user(actor, username, input).await.map(drop)
        }
        Target::Team(team) => {
            let slug = slug(platform, actor, team).await?;
            let input = TeamInput { attribute_changes, ..TeamInput::default() };
            platform.update_team(actor, &slug, input).await.map(drop)
        }
    }
}

/// The slug of a team that is named by its name or its slug.
async fn slug(platform: &Platform, actor: &Actor, team: &str) -> Result<String, Error> {
    let slug = slug_of(team);
    match platform.team(actor, &slug).await {
        Ok(_) => Ok(slug),
        Err(Error::NotFound { .. }) => Ok(platform.team(actor, team).await?.slug),
        Err(error) => Err(error),
    }
}

/// The id of a record that a task creates: the same task makes the same one.
fn id(what: &str, space: &str, key: &str) -> String {
    let name = format!("kapok:{what}:{space}:{key}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

fn named<const N: usize>(pairs: [(&str, String); N]) -> Results {
    pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect()
}
