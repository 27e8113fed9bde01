//! Users, teams, memberships.

use crate::world::{World, text};
use model::catalogue::Level;
use platform::memberships::MembershipInput;
use platform::teams::{TeamInput, slug_of};
use platform::users::UserInput;
use platform::{Actor, Error, ListQuery};
use serde_json::{Value, json};

fn user(body: Value) -> UserInput {
    UserInput::from_json(&body).unwrap()
}

fn team(body: Value) -> TeamInput {
    TeamInput::from_json(&body).unwrap()
}

fn member(team: &str, username: &str) -> MembershipInput {
    let body = json!({"team": {"name": team}, "user": {"username": username}});
    MembershipInput::from_json(&body).unwrap()
}

#[tokio::test]
async fn a_user_lives_through_their_events() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let bob = platform.create_user(&world.admin, user(json!({"username": "bob"}))).await;
        let bob = bob.unwrap();
        assert!(bob.enabled && !bob.space_admin && bob.password_hash.is_none());
        let event = world.events().remove(0);
        assert_eq!((event.level, event.type_name, event.event), (Level::Space, "User", "Created"));
        assert_eq!(event.payload["user"]["username"], "bob");
        assert!(event.payload["user"].get("passwordHash").is_none());
        let again = platform.create_user(&world.admin, user(json!({"username": "bob"}))).await;
        assert_eq!(text(again), "The username \"bob\" is already taken by another User");
        let change = user(json!({
            "displayName": "Bob", "timezone": "Europe/Berlin", "password": "another password",
            "profileAttributesMap": {"Phone": ["1"]},
        }));
        let bob = platform.update_user(&world.admin, "bob", change).await.unwrap();
        assert!(bob.password_hash.unwrap().starts_with("$argon2id$"));
        let event = world.events().remove(0);
        assert_eq!(event.payload["userPrevious"]["displayName"], Value::Null);
        assert_eq!(event.payload["user"]["timezone"], "Europe/Berlin");
        assert!(!event.payload.to_string().contains("argon2"));
        platform.delete_user(&world.admin, "bob").await.unwrap();
        assert_eq!(world.fired(), ["User Deleted"]);
        let gone = platform.user(&world.admin, "bob").await;
        assert_eq!(text(gone), "Unable to locate the bob User");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_user_is_listed() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let create = async |body: Value| {
        let input = UserInput::from_json(&body)?;
        world.platform.create_user(&world.admin, input).await
    };
    let check = async |body: Value, expect: &str| {
        assert_eq!(text(create(body.clone()).await), expect, "{body}");
    };
    check(json!({}), "Invalid User.\n    Username must not be blank").await;
    check(json!({"username": "system"}), "Invalid User.\n    Username must not be \"system\"")
        .await;
    check(
        json!({"username": "a", "password": "short"}),
        "Invalid User.\n    Password must be at least 8 characters long",
    )
    .await;
    check(
        json!({"username": "a", "memberships": [{"team": {"name": "Nobody"}}]}),
        "Unable to locate the Nobody Team",
    )
    .await;
    check(
        json!({"username": "a", "spaceadmin": true}),
        "The \"spaceadmin\" property is not a property of the User. Did you mean \"spaceAdmin\"?",
    )
    .await;
    assert!(world.fired().is_empty());
}

#[tokio::test]
async fn users_change_their_profile_and_nothing_else() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let platform = &world.platform;
    let me = json!({
        "username": "ann", "displayName": "Ann B", "enabled": true, "spaceAdmin": false,
        "email": "ann@example.com", "preferredLocale": "de",
    });
    platform.update_user(&world.ann, "ann", user(me)).await.unwrap();
    for (body, name) in [
        (json!({"spaceAdmin": true}), "spaceAdmin"),
        (json!({"enabled": false}), "enabled"),
        (json!({"username": "root"}), "username"),
        (json!({"attributesMap": {"A": ["b"]}}), "attributes"),
        (json!({"allowedIps": "::1"}), "allowedIps"),
        (json!({"memberships": []}), "memberships"),
    ] {
        let denied = platform.update_user(&world.ann, "ann", user(body)).await;
        let expect = format!("You are not allowed to change the {name} of the ann User");
        assert_eq!(text(denied), expect);
    }
    assert!(platform.user(&world.ann, "ann").await.is_ok());
    for denied in [
        platform.user(&world.ann, "admin").await,
        platform.update_user(&world.ann, "admin", user(json!({}))).await,
        platform.create_user(&world.ann, user(json!({"username": "x"}))).await,
        platform.delete_user(&world.ann, "ann").await,
    ] {
        assert!(matches!(denied, Err(Error::Forbidden { .. })));
    }
    let list = platform.users(&world.ann, &ListQuery::default()).await;
    assert!(matches!(list, Err(Error::Forbidden { .. })));
    let q = Some(r#"enabled = "true" AND displayName =* "Ann""#.to_owned());
    let list = ListQuery { q, ..ListQuery::default() };
    let page = platform.users(&world.admin, &list).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let last = "Unable to delete, disable or demote the last enabled space administrator";
        for body in [json!({"spaceAdmin": false}), json!({"enabled": false})] {
            let refused = platform.update_user(&world.admin, "admin", user(body)).await;
            assert_eq!(text(refused), last);
        }
        assert_eq!(text(platform.delete_user(&world.admin, "admin").await), last);
        let second = user(json!({"username": "second", "spaceAdmin": true}));
        platform.create_user(&world.admin, second).await.unwrap();
        let demote = || user(json!({"spaceAdmin": false}));
        let (a, b) = tokio::join!(
            platform.update_user(&world.admin, "admin", demote()),
            platform.update_user(&world.admin, "second", demote()),
        );
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    }
}

#[tokio::test]
async fn a_team_lives_through_its_events() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let made = platform.create_team(&world.admin, team(json!({"name": "HR::Benefits"}))).await;
        let made = made.unwrap();
        assert_eq!(made.slug, slug_of("hr::benefits"));
        let event = world.events().remove(0);
        assert_eq!((event.type_name, event.event), ("Team", "Created"));
        assert_eq!(event.payload["team"]["parentName"], "HR");
        let again = platform.create_team(&world.admin, team(json!({"name": "hr::BENEFITS"}))).await;
        assert_eq!(text(again), "The name \"hr::BENEFITS\" is already taken by another Team");
        let change = team(json!({"name": "HR::Perks", "description": "x"}));
        let renamed = platform.update_team(&world.admin, &made.slug, change).await.unwrap();
        assert_eq!(renamed.slug, slug_of("HR::Perks"));
        let event = world.events().remove(0);
        assert_eq!(event.payload["teamPrevious"]["name"], "HR::Benefits");
        let old = platform.team(&world.admin, &made.slug).await;
        assert_eq!(text(old), format!("Unable to locate the {} Team", made.slug));
        platform.add_membership(&world.admin, member("HR::Perks", "ann")).await.unwrap();
        let deleted = platform.delete_team(&world.admin, &renamed.slug).await.unwrap();
        let token = deleted.restoration_token.unwrap();
        assert_eq!(platform.teams_of(&world.ann, "ann").await.unwrap(), []);
        assert_eq!(platform.archived_teams(&world.admin).await.unwrap().len(), 1);
        world.events();
        let restored = platform.restore_team(&world.admin, &token, team(json!({}))).await.unwrap();
        assert_eq!(restored.id, made.id);
        assert_eq!(platform.teams_of(&world.ann, "ann").await.unwrap().len(), 1);
        assert_eq!(world.fired(), ["Team Restored"]);
        let blank = platform.create_team(&world.admin, team(json!({}))).await;
        assert_eq!(text(blank), "Invalid Team.\n    Name must not be blank");
    }
}

#[tokio::test]
async fn memberships_are_events_of_both() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let hr = platform.create_team(&world.admin, team(json!({"name": "HR"}))).await.unwrap();
        world.events();
        platform.add_membership(&world.admin, member("HR", "ann")).await.unwrap();
        let events = world.events();
        let names: Vec<(&str, &str)> = events.iter().map(|e| (e.type_name, e.event)).collect();
        assert_eq!(names, [("Team", "Membership Change"), ("User", "Membership Change")]);
        for event in &events {
            let change = &event.payload["teamMembership"];
            assert_eq!(*change, json!({"usersAdded": ["ann"], "usersRemoved": []}));
            assert_eq!(event.payload["team"]["name"], "HR");
        }
        assert_eq!(events[1].payload["user"]["username"], "ann");
        platform.add_membership(&world.admin, member("HR", "ann")).await.unwrap();
        assert!(world.fired().is_empty());
        assert_eq!(platform.team(&world.ann, &hr.slug).await.unwrap().name, "HR");
        assert_eq!(platform.members_of(&world.ann, &hr.slug).await.unwrap().len(), 1);

        let key = format!("{}_ann", hr.slug);
        platform.remove_membership(&world.admin, &key).await.unwrap();
        let event = world.events().remove(0);
        let change = &event.payload["teamMembership"];
        assert_eq!(*change, json!({"usersAdded": [], "usersRemoved": ["ann"]}));
        let again = platform.remove_membership(&world.admin, &key).await;
        assert_eq!(text(again), format!("Unable to locate the {key} Membership"));
        let denied = platform.team(&world.ann, &hr.slug).await;
        assert_eq!(text(denied), "You are not allowed to see the HR Team");
        let denied = platform.add_membership(&world.ann, member("HR", "ann")).await;
        assert!(matches!(denied, Err(Error::Forbidden { .. })));
        let missing = platform.add_membership(&world.admin, member("HR", "zoe")).await;
        assert_eq!(text(missing), "Unable to locate the zoe User");
    }
}

#[tokio::test]
async fn a_list_of_memberships_replaces_all() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let admin = &world.admin;
        for name in ["HR", "IT", "Ops"] {
            platform.create_team(admin, team(json!({"name": name}))).await.unwrap();
        }
        let to = |names: &[&str]| {
            let teams = names.iter().map(|name| json!({"team": {"name": name}}));
            user(json!({"memberships": teams.collect::<Vec<_>>()}))
        };
        let teams = async || {
            let teams = platform.teams_of(&world.ann, "ann").await.unwrap();
            teams.into_iter().map(|team| team.name).collect::<Vec<_>>().join(" ")
        };
        platform.update_user(admin, "ann", to(&["HR", "IT", "HR"])).await.unwrap();
        assert_eq!(teams().await, "HR IT");
        world.events();
        platform.update_user(admin, "ann", to(&["IT", "Ops"])).await.unwrap();
        assert_eq!(teams().await, "IT Ops");
        assert_eq!(
            world.fired(),
            [
                "User Updated",
                "Team Membership Change",
                "User Membership Change",
                "Team Membership Change",
                "User Membership Change",
            ]
        );
        let members = team(json!({"memberships": [
            {"user": {"username": "ann"}}, {"user": {"username": "admin"}},
        ]}));
        platform.update_team(admin, &slug_of("HR"), members).await.unwrap();
        let events = world.events();
        assert_eq!(events.len(), 4);
        let change = &events[1].payload["teamMembership"];
        assert_eq!(*change, json!({"usersAdded": ["ann", "admin"], "usersRemoved": []}));
        platform
            .update_team(admin, &slug_of("HR"), team(json!({"memberships": []})))
            .await
            .unwrap();
        assert_eq!(teams().await, "IT Ops");
        let own = platform.teams(&world.ann, &ListQuery::default()).await.unwrap();
        assert_eq!(own.items.len(), 2);
        let all = platform.teams(admin, &ListQuery::default()).await.unwrap();
        assert_eq!(all.items.len(), 3);
        let nobody = Actor::anonymous(admin.space_id.clone(), platform.outside());
        let denied = platform.teams(&nobody, &ListQuery::default()).await;
        assert!(matches!(denied, Err(Error::Unauthenticated)));
    }
}
