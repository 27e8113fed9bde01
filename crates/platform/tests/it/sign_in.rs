//! Signing in: passwords, sessions, the throttle.

use crate::world::{PASSWORD, World, text};
use model::limits::{SESSION_MS, SIGN_IN_FAILURES_MS};
use model::people::User;
use platform::sign_in::Credentials;
use platform::users::UserInput;
use platform::{Error, Platform};
use serde_json::{Value, json};
use std::sync::Arc;

fn credentials(username: &str, password: &str) -> Credentials {
    Credentials {
        username: username.to_owned(),
        password: password.to_owned(),
        address: Some("192.0.2.7".to_owned()),
    }
}

async fn sign_in(world: &World, username: &str, password: &str) -> Result<Arc<User>, Error> {
    let credentials = credentials(username, password);
    world.platform.sign_in(&world.admin.space_id, &credentials).await
}

async fn change(world: &World, body: Value) {
    let input = UserInput::from_json(&body).unwrap();
    world.platform.update_user(&world.admin, "ann", input).await.unwrap();
    world.events();
}

#[tokio::test]
async fn a_changed_password_and_a_lock_out_count_at_once() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        assert_eq!(sign_in(&world, "ann", PASSWORD).await.unwrap().username, "ann");
        change(&world, json!({"password": "quite another one"})).await;
        assert!(matches!(sign_in(&world, "ann", PASSWORD).await, Err(Error::Unauthenticated)));
        let ann = sign_in(&world, "ann", "quite another one").await.unwrap();
        assert!(!ann.space_admin);
        change(&world, json!({"spaceAdmin": true})).await;
        assert!(sign_in(&world, "ann", "quite another one").await.unwrap().space_admin);
        change(&world, json!({"enabled": false})).await;
        let locked_out = sign_in(&world, "ann", "quite another one").await;
        assert_eq!(text(locked_out), "Invalid username or password");
    }
}

#[tokio::test]
async fn another_node_sees_a_change_soon() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let outbox = world.outbox.clone();
    let other = Platform::new(store.clone(), world.runtime.clone(), outbox);
    let space = &world.admin.space_id;
    other.sign_in(space, &credentials("ann", PASSWORD)).await.unwrap();
    change(&world, json!({"password": "quite another one"})).await;
    world.runtime.advance_ms(platform::sign_in::FRESH_MS);
    let old = other.sign_in(space, &credentials("ann", PASSWORD)).await;
    assert!(matches!(old, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn failures_are_recorded_and_then_throttled() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        for _ in 0..9 {
            let wrong = sign_in(&world, "ann", "wrong").await;
            assert!(matches!(wrong, Err(Error::Unauthenticated)));
        }
        let events = world.events();
        assert_eq!(events.len(), 9);
        assert_eq!((events[0].type_name, events[0].event), ("Space", "Login Failure"));
        assert_eq!(
            events[0].payload["loginFailure"],
            json!({"username": "ann", "address": "192.0.2.7"})
        );
        assert!(!events[0].payload.to_string().contains("wrong"));
        let unknown = sign_in(&world, "nobody", "wrong").await;
        assert!(matches!(unknown, Err(Error::Unauthenticated)));
        // The tenth failure from this address closes it for every name.
        world.events();
        let throttled = sign_in(&world, "admin", PASSWORD).await;
        assert!(matches!(throttled, Err(Error::Throttled { retry_after_s: 601 })));
        assert!(world.fired().is_empty());
        let mut elsewhere = credentials("ann", PASSWORD);
        elsewhere.address = Some("198.51.100.1".to_owned());
        let space = &world.admin.space_id;
        assert!(world.platform.sign_in(space, &elsewhere).await.is_ok());
        world.runtime.advance_ms(SIGN_IN_FAILURES_MS);
        assert!(sign_in(&world, "admin", PASSWORD).await.is_ok());
    }
}

#[tokio::test]
async fn a_session_lives_from_login_to_logout() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let (platform, space) = (&world.platform, &world.admin.space_id);
        let login = async || platform.login(space, &credentials("ann", PASSWORD)).await;
        let session = login().await.unwrap();
        assert_eq!(session.token.len(), 64);
        let event = world.events().remove(0);
        assert_eq!((event.type_name, event.event, event.actor.as_str()), ("User", "Login", "ann"));
        assert_eq!(event.payload["user"]["username"], "ann");
        assert!(!event.payload.to_string().contains(&session.token));
        assert_eq!(platform.session(space, &session.token, None).await.unwrap().username, "ann");
        let foreign = model::id::SpaceId("other".to_owned());
        let elsewhere = platform.session(&foreign, &session.token, None).await;
        assert!(matches!(elsewhere, Err(Error::Unauthenticated)));
        // Use keeps it open, idleness ends it.
        for _ in 0..3 {
            world.runtime.advance_ms(SESSION_MS - 1_000);
            platform.session(space, &session.token, None).await.unwrap();
        }
        platform.logout(space, &session.token).await.unwrap();
        assert_eq!(world.fired(), ["User Logout"]);
        let ended = platform.session(space, &session.token, None).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
        platform.logout(space, &session.token).await.unwrap();
        assert!(world.fired().is_empty());
        let idle = login().await.unwrap();
        world.runtime.advance_ms(SESSION_MS);
        let ended = platform.session(space, &idle.token, None).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
    }
}

#[tokio::test]
async fn a_new_password_ends_all_sessions() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let (platform, space) = (&world.platform, &world.admin.space_id);
        let open = platform.login(space, &credentials("ann", PASSWORD)).await.unwrap();
        platform.session(space, &open.token, None).await.unwrap();
        change(&world, json!({"displayName": "Ann B"})).await;
        let seen = platform.session(space, &open.token, None).await.unwrap();
        assert_eq!(seen.display_name.as_deref(), Some("Ann B"));
        change(&world, json!({"password": "quite another one"})).await;
        let ended = platform.session(space, &open.token, None).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
        let open = platform.login(space, &credentials("ann", "quite another one")).await.unwrap();
        platform.delete_user(&world.admin, "ann").await.unwrap();
        let ended = platform.session(space, &open.token, None).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
        assert!(world.ann_user.enabled);
    }
}

#[tokio::test]
async fn requests_that_come_together_verify_once_and_guesses_are_counted() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let together = |password: &'static str| {
        let tries = (0..40).map(|_| {
            let (platform, space) = (world.platform.clone(), world.admin.space_id.clone());
            world.runtime.spawn(async move {
                platform.sign_in(&space, &credentials("ann", password)).await.map(|_| ())
            })
        });
        tries.collect::<Vec<_>>()
    };
    for attempt in together(PASSWORD) {
        attempt.await.unwrap().unwrap();
    }
    for attempt in together("guess") {
        attempt.await.unwrap().unwrap_err();
    }
    assert_eq!(world.fired().len(), 10);
}

#[tokio::test]
async fn people_come_from_their_addresses() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    change(&world, json!({"allowedIps": "192.0.2.0/24, ::1"})).await;
    assert!(sign_in(&world, "ann", PASSWORD).await.is_ok());
    let (platform, space) = (&world.platform, &world.admin.space_id);
    let session = platform.login(space, &credentials("ann", PASSWORD)).await.unwrap();
    platform.session(space, &session.token, Some("::ffff:192.0.2.9")).await.unwrap();
    for address in [Some("198.51.100.1"), None] {
        let denied = platform.session(space, &session.token, address).await;
        assert_eq!(text(denied), "You are not allowed to sign in from this address");
    }
    let wrong = UserInput::from_json(&json!({"allowedIps": "10.0.0.1,home"})).unwrap();
    assert_eq!(
        text(platform.update_user(&world.admin, "ann", wrong).await),
        "Invalid User.\n    Allowed Ips must be addresses or networks, not \"home\""
    );
}
