//! How requests are made: headers, credentials, tokens, templates, CloudEvents; saved, shown,
//! sent.

use crate::receiver::{Answer, Receiver};
use crate::world::World;
use model::event::Verdict;
use model::job::{ErrorClass, Job, State};
use model::webhook::Webhook;
use serde_json::{Value, json};
use webhooks::definitions::{WebhookInput, shown_request};
use webhooks::trial::{Draft, Trial};

const KAPP: Option<&str> = Some("services");

/// Saves how the requests of the webhook `out` are made.
async fn save(world: &World, request: Value) -> Result<Webhook, String> {
    let input = WebhookInput { request: Some(request), ..WebhookInput::default() };
    let saved = world.webhooks.update_webhook(&world.actor, KAPP, "out", &input).await;
    saved.map_err(|error| error.to_string())
}

/// What the webhook `out` would make of the latest event.
async fn tried(world: &World) -> Trial {
    world.webhooks.try_webhook(&world.actor, KAPP, "out", None).await.unwrap()
}

#[tokio::test]
async fn headers_and_credentials_are_sent_and_never_shown() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhook("out", "", &receiver.url("/")).await;
        let request = json!({
            "headers": [
                {"name": "X-Tenant", "value": "acme"},
                {"name": "X-Api-Key", "value": "hush-key", "secret": true},
            ],
            "auth": {"type": "basic", "username": "ann", "password": "hush-word"},
        });
        let saved = save(&world, request).await.unwrap();
        assert!(!saved.request.as_ref().unwrap().to_string().contains("hush"), "sealed");
        let shown = shown_request(&saved);
        assert_eq!(
            shown["headers"][0],
            json!({"name": "x-tenant", "value": "acme", "secret": false})
        );
        assert_eq!(shown["headers"][1]["value"], json!({"set": true}));
        assert_eq!(shown["auth"]["password"], json!({"set": true}));
        assert_eq!(shown["signing"], json!({"v1": true, "v1a": true, "legacy": false}));
        // What was read can be sent back.
        let again = save(&world, shown.clone()).await.unwrap();
        assert_eq!(again.request, saved.request);

        world.webhooks.deliver();
        world.submit(&json!({})).await;
        let jobs = world.until_all(State::Complete).await;
        let hit = &receiver.hits()[0];
        assert_eq!(hit.header("x-tenant"), Some("acme"));
        assert_eq!(hit.header("x-api-key"), Some("hush-key"));
        assert_eq!(hit.header("authorization"), Some("Basic YW5uOmh1c2gtd29yZA=="));
        let recorded = format!("{:?}", world.attempts(&jobs[0].id).await);
        assert!(recorded.contains("acme"));
        assert!(!recorded.contains("hush") && !recorded.contains("YW5u"), "{recorded}");
        let preview = tried(&world).await.request.unwrap();
        assert!(!format!("{preview:?}").contains("hush"), "{preview:?}");
        assert!(preview.headers.iter().any(|(n, v)| n == "x-tenant" && v == "acme"));
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_when_it_is_saved() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.webhook("out", "", "https://example.com/").await;
    let header = |name: &str, value: &str| json!({"headers": [{"name": name, "value": value}]});
    let oauth = |url: &str| {
        let kind = "oauth2";
        json!({"auth": {"type": kind, "tokenUrl": url, "clientId": "c", "clientSecret": "s"}})
    };
    let rows = [
        (header("a\r\nb", "c"), "not the name of a header"),
        (header("a", "b\r\nc: d"), "without line breaks"),
        (header("a", "b\u{0}"), "control characters"),
        (header("Host", "evil"), "set by the sender"),
        (header("Transfer-Encoding", "chunked"), "set by the sender"),
        (header("Webhook-Signature", "v1,x"), "set by the sender"),
        (json!({"headers": [{"name": "a", "value": "1"}, {"name": "A", "value": "2"}]}), "twice"),
        (json!({"auth": {"type": "basic", "username": "a:b", "password": "p"}}), "a colon"),
        (json!({"auth": {"type": "basic", "username": "a"}}), "Password must be given"),
        (json!({"auth": {"type": "bearer", "token": "a b"}}), "without spaces"),
        (json!({"auth": {"type": "kerberos"}}), "there are basic, bearer, oauth2, mtls"),
        (oauth("http://10.0.0.1/token"), "Token Url cannot be called: The address 10.0.0.1"),
        (oauth("http://[::ffff:10.0.0.1]/token"), "is private"),
        (
            json!({"auth": {"type": "mtls", "certificate": "x", "privateKey": "y"}}),
            "Certificate must be PEM",
        ),
        (json!({"certificates": "x"}), "Certificates must be PEM"),
        (json!({"template": "({a: "}), "Template is not a valid expression"),
        (json!({"format": "xml"}), "Format must be one of kinetic"),
        (json!({"signing": {"v1": 1}}), "Signing v1 must be true or false"),
        (json!({"haeders": []}), "there are headers, auth"),
        (json!([]), "Request must be an object"),
        (
            json!({"headers": [{"name": "Authorization", "value": "x"}],
                "auth": {"type": "bearer", "token": "t"}}),
            "is set by the other settings",
        ),
    ];
    for (request, words) in rows {
        let told = request.to_string();
        let refused = save(&world, request).await.expect_err(&told);
        assert!(refused.contains(words), "{told}: {refused}");
    }
}

#[tokio::test]
async fn a_template_shapes_the_body_and_its_failure_is_a_verdict() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhook("out", "", &receiver.url("/")).await;
        let template = "({text: `${values('A')} for ${submission('id')}`, n: values('A').length})";
        save(&world, json!({ "template": template })).await.unwrap();
        world.webhooks.deliver();
        world.submit(&json!({"A": "grün"})).await;
        let jobs = world.until_all(State::Complete).await;
        let body = "{\"text\":\"grün for submission-1\",\"n\":4}";
        assert_eq!(receiver.hits()[0].body, body);
        assert_eq!(jobs[0].request_content.as_deref(), Some(body), "the job shows what was sent");
        let trial = tried(&world).await;
        assert_eq!(trial.request.unwrap().body, body);

        // Without A the template throws: nothing is sent, the event says why.
        let event = world.submit(&json!({})).await;
        assert_eq!(world.jobs().await.len(), 1);
        let (space, id) = (event.space_id.clone(), event.id.clone());
        let found = store.read(move |tx| store::events::by_id(tx, &space, &id)).await.unwrap();
        let verdict = found.unwrap().0.verdicts.remove(0);
        assert_eq!(verdict.verdict, Verdict::TemplateError);
        assert!(verdict.message.unwrap().contains("TypeError"));
        let trial = world.webhooks.try_webhook(&world.actor, KAPP, "out", Some(event.id)).await;
        assert_eq!(trial.unwrap().verdict, Verdict::TemplateError);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn cloudevents_in_both_modes() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let receiver = Receiver::always(Answer::Status(200, "")).await;
    world.webhook("out", "", &receiver.url("/")).await;
    world.webhooks.deliver();
    save(&world, json!({"format": "cloudevents-structured", "template": "({a: values('A')})"}))
        .await
        .unwrap();
    let event = world.submit(&json!({"A": "1"})).await;
    let jobs = world.until_all(State::Complete).await;
    let hit = &receiver.hits()[0];
    let type_is = hit.header("content-type");
    assert_eq!(type_is, Some("application/cloudevents+json; charset=utf-8"));
    assert_eq!(Some(hit.body.as_str()), jobs[0].request_content.as_deref());
    let document: Value = serde_json::from_str(&hit.body).unwrap();
    for (name, value) in [
        ("specversion", json!("1.0")),
        ("id", json!(event.id.as_str())),
        ("source", json!("urn:kapok:space:space-1")),
        ("type", json!("kapok.submission.submitted")),
        ("subject", json!("submission-1")),
        ("data", json!({"a": "1"})),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    save(&world, json!({"format": "cloudevents-binary", "template": ""})).await.unwrap();
    let event = world.submit(&json!({"A": "1"})).await;
    world.until_all(State::Complete).await;
    let hit = &receiver.hits()[1];
    assert_eq!(hit.header("ce-id"), Some(event.id.as_str()));
    assert_eq!(hit.header("ce-type"), Some("kapok.submission.submitted"));
    assert_eq!(hit.header("ce-specversion"), Some("1.0"));
    assert_eq!(hit.header("content-type"), Some("application/json"));
    assert_eq!(hit.body, event.payload.to_string());
    world.runtime.stop().await;
}

#[tokio::test]
async fn tokens_are_fetched_kept_and_replaced_once_when_refused() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let tokens = Receiver::start(|n, _| match n {
        0 => {
            Answer::Status(200, r#"{"access_token":"one","token_type":"Bearer","expires_in":900}"#)
        }
        1 => Answer::Status(200, r#"{"access_token":"two","expires_in":"900"}"#),
        _ => Answer::Status(401, r#"{"error":"invalid_client"}"#),
    })
    .await;
    let receiver = Receiver::start(|n, hit| match (n, hit.header("authorization")) {
        (0 | 1, Some("Bearer one")) | (3.., Some("Bearer two")) => Answer::Status(200, ""),
        _ => Answer::Status(401, ""),
    })
    .await;
    world.webhook("out", "", &receiver.url("/")).await;
    let auth = json!({"auth": {"type": "oauth2", "tokenUrl": tokens.url("/token"),
        "clientId": "a client", "clientSecret": "s&cret", "scope": "hooks"}});
    save(&world, auth).await.unwrap();
    world.webhooks.deliver();
    for _ in 0..2 {
        world.submit(&json!({})).await;
        world.until_all(State::Complete).await;
    }
    let fetched = tokens.hits();
    assert_eq!(fetched.len(), 1, "the token is kept");
    assert_eq!(fetched[0].body, "grant_type=client_credentials&scope=hooks");
    assert_eq!(fetched[0].header("authorization"), Some("Basic YStjbGllbnQ6cyUyNmNyZXQ="));

    // The endpoint refuses the kept token: one more is fetched, both attempts are recorded.
    let event = world.submit(&json!({})).await;
    let mut jobs = world.until_all(State::Complete).await;
    jobs.retain(|job| job.event_id.as_ref() == Some(&event.id));
    let job = &jobs[0];
    assert_eq!((tokens.hits().len(), receiver.hits().len()), (2, 4));
    let attempts = world.attempts(&job.id).await;
    let statuses: Vec<_> = attempts.iter().map(|a| a.detail.response_status).collect();
    assert_eq!(statuses, [Some(401), Some(200)]);
    let recorded = format!("{attempts:?}");
    assert!(!recorded.contains("Bearer one") && !recorded.contains("Bearer two"), "{recorded}");

    // The kept token is over and no other is given out: the endpoint is not bothered.
    world.runtime.advance_ms(900_000);
    let event = world.submit(&json!({})).await;
    let is_it = |job: &&Job| job.event_id.as_ref() == Some(&event.id);
    let tried = |jobs: &[Job]| jobs.iter().find(is_it).is_some_and(|job| job.started_at.is_some());
    let jobs = world.until(tried).await;
    let job = jobs.iter().find(is_it).unwrap();
    let detail = world.attempts(&job.id).await.remove(0).detail;
    assert_eq!(detail.error_class, Some(ErrorClass::Auth));
    let error = detail.error.unwrap();
    assert!(
        error.contains("No token from 127.0.0.1") && error.contains("invalid_client"),
        "{error}"
    );
    assert_eq!(receiver.hits().len(), 4);
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_draft_keeps_the_secrets_of_the_webhook_it_changes() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.webhook("out", "", "https://example.com/").await;
    let auth = json!({"auth": {"type": "bearer", "token": "hush"}});
    let saved = save(&world, auth).await.unwrap();
    world.submit(&json!({"A": "1"})).await;
    let draft = |saved: Option<Webhook>| Draft {
        kapp: Some("services".to_owned()),
        type_name: "Submission".to_owned(),
        event: "Submitted".to_owned(),
        url: "https://example.com/".to_owned(),
        request: Some(json!({"auth": {"type": "bearer", "token": {"set": true}},
            "template": "({b: values('A')})"})),
        saved,
        ..Draft::default()
    };
    let trial = world.webhooks.try_draft(&world.actor, draft(Some(saved))).await.unwrap();
    let preview = trial.request.unwrap();
    assert_eq!(preview.body, "{\"b\":\"1\"}");
    assert!(
        preview.headers.iter().any(|(name, value)| name == "authorization" && value == "••••••")
    );
    let refused = world.webhooks.try_draft(&world.actor, draft(None)).await.unwrap_err();
    assert!(refused.to_string().contains("Token must be given"), "{refused}");
}
