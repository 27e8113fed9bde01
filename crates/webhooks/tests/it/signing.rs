//! Signatures, checked by the reference implementation of Standard Webhooks.

use crate::receiver::{Answer, Hit, Receiver};
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use model::job::{Attempt, State};
use model::signing::Kind;
use ring::signature::{ED25519, UnparsedPublicKey};
use runtime::Runtime;
use serde_json::json;
use standardwebhooks::Webhook;
use webhooks::sign::{KeyAction, NewKey};

/// The headers of a hit as the reference takes them.
fn headers(hit: &Hit) -> HeaderMap {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let mut headers = HeaderMap::new();
    for name in names {
        if let Some(value) = hit.header(name) {
            headers.insert(name, value.parse().unwrap());
        }
    }
    headers
}

/// Whether a hit carries the signature that the reference makes with the secret of a key.
fn accepts(key: &NewKey, hit: &Hit) -> bool {
    let webhook = Webhook::new(key.secret.as_ref().unwrap().expose()).unwrap();
    let at = hit.header("webhook-timestamp").unwrap().parse().unwrap();
    let id = hit.header("webhook-id").unwrap();
    let signature = webhook.sign(id, at, hit.body.as_bytes()).unwrap();
    hit.header("webhook-signature").unwrap().split(' ').any(|given| given == signature)
}

/// Whether a `v1a` signature of a hit holds by a public key.
fn holds(public: &str, hit: &Hit) -> bool {
    let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
    let (id, at) = (hit.header("webhook-id").unwrap(), hit.header("webhook-timestamp").unwrap());
    let message = format!("{id}.{at}.{}", hit.body);
    let mut signatures = hit.header("webhook-signature").unwrap().split(' ');
    signatures.any(|text| {
        let Some(signature) = text.strip_prefix("v1a,") else { return false };
        let signature = STANDARD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ED25519, &public).verify(message.as_bytes(), &signature).is_ok()
    })
}

#[tokio::test]
async fn every_attempt_is_signed_with_every_key_that_signs() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let (webhooks, admin) = (&world.webhooks, &world.actor);
        let receiver = Receiver::start(|n, _| match n {
            0 => Answer::Status(200, ""),
            1 => Answer::Status(500, ""),
            _ => Answer::Status(200, ""),
        })
        .await;
        webhooks.deliver();
        world.webhook("out", "", &receiver.url("/")).await;
        world.submit(&json!({"A": "grün"})).await;
        world.until_all(State::Complete).await;
        assert_eq!(receiver.hits()[0].header("webhook-signature"), None, "there is no key yet");

        let old = webhooks.create_signing_key(admin, Kind::V1).await.unwrap();
        let pair = webhooks.create_signing_key(admin, Kind::V1a).await.unwrap();
        assert!(pair.secret.is_none(), "a private key is shown to nobody");
        world.submit(&json!({"A": "grün"})).await;
        let failed = |jobs: &[model::job::Job]| {
            jobs.iter().any(|job| job.state == State::Queued && job.started_at.is_some())
        };
        let job = world.until(failed).await.remove(0);

        // The secret changes between two attempts of one job: both keys sign the second.
        let new = webhooks.create_signing_key(admin, Kind::V1).await.unwrap();
        let retire = KeyAction::Retire { overlap_hours: Some(48) };
        webhooks.change_signing_key(admin, &old.key.id, retire).await.unwrap();
        world.runtime.advance_ms(3_600_000);
        world.until_all(State::Complete).await;
        let hits = receiver.hits();
        let (first, second) = (&hits[1], &hits[2]);
        assert!(accepts(&old, first) && !accepts(&new, first));
        assert!(accepts(&old, second) && accepts(&new, second));
        let public = pair.key.public_key.as_deref().unwrap();
        assert!(holds(public, first) && holds(public, second));
        assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
        assert_ne!(first.header("webhook-timestamp"), second.header("webhook-timestamp"));

        let detail = webhooks.job(admin, None, &job.id).await.unwrap();
        let recorded = |a: &Attempt| {
            a.detail.request_headers.iter().find(|(n, _)| n == "webhook-signature").cloned()
        };
        assert_eq!(
            recorded(&detail.attempts[0]).unwrap().1,
            first.header("webhook-signature").unwrap()
        );
        let checks = webhooks.check_signatures(admin, &detail).await.unwrap();
        assert_eq!(
            checks.iter().map(|c| (c.ok, c.checked.len())).collect::<Vec<_>>(),
            [(true, 2), (true, 3)]
        );

        // What was revoked signs no more, from the next attempt on.
        webhooks.change_signing_key(admin, &new.key.id, KeyAction::Revoke).await.unwrap();
        world.runtime.advance_ms(48 * 3_600_000);
        world.submit(&json!({})).await;
        world.until_all(State::Complete).await;
        let last = receiver.hits().pop().unwrap();
        assert!(!accepts(&old, &last) && !accepts(&new, &last) && holds(public, &last));
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn the_reference_verifies_a_delivery() {
    let store = testkit::sqlite().await;
    World::new(&store).await;
    // The reference compares the timestamp with the real time.
    let world = World::node(&store, "node-1", Runtime::system().now());
    let receiver = Receiver::always(Answer::Status(200, "")).await;
    let key = world.webhooks.create_signing_key(&world.actor, Kind::V1).await.unwrap();
    world.webhooks.deliver();
    world.webhook("out", "", &receiver.url("/")).await;
    world.submit(&json!({"A": "grün"})).await;
    world.until_all(State::Complete).await;
    let hit = &receiver.hits()[0];
    let reference = Webhook::new(key.secret.as_ref().unwrap().expose()).unwrap();
    reference.verify(hit.body.as_bytes(), &headers(hit)).unwrap();
    reference.verify(b"{}", &headers(hit)).unwrap_err();
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_key_revoked_on_another_node_stops_signing_within_two_seconds() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let receiver = Receiver::always(Answer::Status(200, "")).await;
    let job = || webhooks::jobs::NewJob {
        kapp: None,
        name: String::new(),
        type_name: String::new(),
        event: String::new(),
        url: receiver.url("/"),
        request_content: "{}".to_owned(),
        parent: Default::default(),
    };
    let key = world.webhooks.create_signing_key(&world.actor, Kind::V1).await.unwrap();
    world.webhooks.deliver();
    world.webhooks.create_job(&world.actor, job()).await.unwrap();
    world.until_all(State::Complete).await;
    assert!(accepts(&key, &receiver.hits()[0]));
    let other = World::node(&store, "node-2", world.runtime.now());
    other.webhooks.change_signing_key(&other.actor, &key.key.id, KeyAction::Revoke).await.unwrap();
    world.runtime.advance_ms(2_001);
    world.webhooks.create_job(&world.actor, job()).await.unwrap();
    world.until_all(State::Complete).await;
    assert_eq!(receiver.hits()[1].header("webhook-signature"), None);
    world.runtime.stop().await;
}

#[tokio::test]
async fn secrets_lie_sealed_and_are_sealed_anew() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhook("legacy", "", &receiver.url("/")).await;
        // As an earlier version stored it: in clear.
        let clear = json!({"type": "Signature", "properties": [
            {"name": "Key", "value": "k"},
            {"name": "Secret", "value": "secret", "sensitive": true},
        ]});
        let mut webhook =
            world.webhooks.webhook(&world.actor, Some("services"), "legacy").await.unwrap();
        webhook.auth_strategy = Some(clear);
        store.write(move |tx| store::webhooks::update(tx, &webhook)).await.unwrap();
        world.webhooks.create_signing_key(&world.actor, Kind::V1).await.unwrap();
        assert_eq!(world.webhooks.reseal().await.unwrap(), 1);
        assert_eq!(world.webhooks.reseal().await.unwrap(), 0);
        let stored = world.webhooks.webhook(&world.actor, Some("services"), "legacy").await;
        let stored = stored.unwrap().auth_strategy.unwrap().to_string();
        assert!(!stored.contains("\"secret\"") && stored.contains("k1."), "{stored}");
        let keys = store.read(store::signing_keys::all).await.unwrap();
        assert!(keys.iter().all(|key| key.sealed.starts_with("k1.")));

        world.webhooks.deliver();
        world.submit(&json!({})).await;
        world.until_all(State::Complete).await;
        let hit = &receiver.hits()[0];
        assert_eq!(hit.header("x-kinetic-signaturekey"), Some("k"));
        assert_eq!(hit.header("x-kinetic-signature"), Some("5en6G6MezRroT3XKqkdPOmY_BfQ="));
        let attempts = world.attempts(&world.jobs().await[0].id).await;
        let recorded = format!("{:?}", attempts[0].detail.request_headers);
        assert!(!recorded.contains("5en6G6"), "{recorded}");
        world.runtime.stop().await;
    }
}
