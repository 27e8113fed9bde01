//! Request inspectors: what is sent to them is recorded, and a webhook of the same server may be
//! pointed at one though loopback is closed to webhooks.

use crate::harness::{ADMIN, Answer, Server, assert_holds, both, one};
use reqwest::Method;
use serde_json::{Value, json};

/// Creates an inspector and returns it.
async fn inspector(server: &Server, body: &Value) -> Value {
    server.post("/inspectors", body).await.ok()["inspector"].take()
}

/// The path of an inspector's address.
fn path(inspector: &Value) -> String {
    let url = inspector["url"].as_str().unwrap();
    url[url.find("/inspect/").unwrap()..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspector_records_and_answers_as_configured() {
    for server in both().await {
        let made = inspector(&server, &json!({ "name": "Look" })).await;
        let at = format!("/inspectors/{}", made["id"].as_str().unwrap());
        let answer = Answer::of(server.bare(Method::POST, &path(&made)).body("hello")).await;
        assert_eq!(answer.ok(), json!({ "received": true }));
        let change = json!({ "status": 503, "body": "later", "delayMs": 5,
            "headers": [{ "name": "retry-after", "value": "7" }] });
        let changed = server.put(&at, &change).await.ok();
        assert_holds(&changed["inspector"], &json!({ "name": "Look", "status": 503 }));
        let bytes = vec![0xff, 0x00];
        let request = server.bare(Method::PATCH, &format!("{}/deep/er?a=1&b", path(&made)));
        let answer = Answer::of(request.header("x-mine", "yes").body(bytes)).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.body, json!("later"));
        assert_eq!(answer.header("retry-after").unwrap(), "7");
        let policy = answer.header("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.contains("sandbox"), "{policy}");

        let listed = server.get(&format!("{at}/requests?limit=1")).await.ok();
        let latest = &listed["requests"][0];
        assert_holds(
            latest,
            &json!({ "method": "PATCH", "path": format!("{}/deep/er", path(&made)),
                "query": "a=1&b", "body": null, "bodyBase64": "/wA=", "size": 2,
                "bodyCut": false, "address": "127.0.0.1", "jobId": null,
                "signature": { "ok": false } }),
        );
        let sent = latest["headers"].as_array().unwrap();
        assert!(sent.contains(&json!({ "name": "x-mine", "value": "yes" })), "{latest}");
        let token = listed["nextPageToken"].as_str().unwrap();
        let older = server.get(&format!("{at}/requests?pageToken={token}")).await.ok();
        assert_holds(&older, &json!({ "nextPageToken": null }));
        let first = &older["requests"][0];
        assert_holds(first, &json!({ "method": "POST", "body": "hello", "size": 5 }));
        let one = format!("{at}/requests/{}", first["id"].as_str().unwrap());
        assert_eq!(server.get(&one).await.ok()["request"]["body"], "hello");

        assert!(server.get(&at).await.ok()["inspector"]["lastRequestAt"].is_string());
        assert_eq!(server.delete(&format!("{at}/requests")).await.ok()["deleted"], 2);
        let empty = server.get(&format!("{at}/requests")).await.ok();
        assert_eq!(empty["requests"], json!([]));
        server.delete(&at).await.ok();
        let gone = Answer::of(server.bare(Method::GET, &path(&made))).await;
        assert_eq!(gone.refused(404), "There is no inspector at this address.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_inspector_is_said() {
    let server = one().await;
    let check = async |body: Value, expect: &str| {
        let message = server.post("/inspectors", &body).await.refused(400);
        assert!(message.contains(expect), "{message}");
    };
    check(json!({}), "Name must not be blank").await;
    check(json!({ "name": "x", "status": 99 }), "Status must be between 200 and 599").await;
    check(json!({ "name": "x", "delayMs": 60_000 }), "Delay Ms must be between 0 and").await;
    let header = |name: &str, value: &str| json!([{ "name": name, "value": value }]);
    check(json!({ "name": "x", "headers": header("set-cookie", "a=b") }), "set-cookie").await;
    check(json!({ "name": "x", "headers": header("content-type", "text/html") }), "+json").await;
    check(json!({ "name": "x", "headers": header("a\r\nb", "c") }), "cannot be sent").await;
    inspector(&server, &json!({ "name": "x" })).await;
    check(json!({ "name": "x" }), "Name \"x\" is that of another one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_cannot_be_guessed_for_long() {
    let server = one().await;
    let made = inspector(&server, &json!({ "name": "x" })).await;
    for guess in 0..model::limits::INSPECTOR_MISSES_PER_MINUTE {
        let guess = server.bare(Method::GET, &format!("/inspect/{guess}"));
        Answer::of(guess).await.refused(404);
    }
    let held = Answer::of(server.bare(Method::POST, &path(&made))).await;
    assert!(held.header("retry-after").is_some());
    held.refused(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_reaches_the_inspector_of_its_own_server_and_nothing_else_there() {
    let store = testkit::sqlite().await;
    let server = Server::with(store, |config| config.allow_cidrs.clear()).await;
    let made = inspector(&server, &json!({ "name": "x" })).await;
    let webhook = json!({ "name": "Look", "type": "User", "event": "Created",
        "url": made["url"] });
    server.post("/webhooks", &webhook).await.ok();
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let own = server.address.port();
    for (path, port) in [("/app/api/v1/me", own), ("/inspect/t", other.port())] {
        let url = format!("http://127.0.0.1:{port}{path}?");
        let refused = json!({ "url": url, "requestContent": "x" });
        let answer = server.post("/webhookJobs", &refused).await;
        if answer.status == 200 {
            // The server's own address leads to its engine, and to nothing else of it.
            assert_eq!(answer.ok()["webhookJob"]["summary"], "404 Not Found");
        } else {
            let message = answer.refused(400);
            assert!(message.contains("loopback"), "{message}");
        }
    }
    let stream = server.bare(Method::GET, "/app/api/v1/stream");
    let mut stream = stream.basic_auth(ADMIN.0, Some(ADMIN.1)).send().await.unwrap();
    server.post("/users", &json!({ "username": "grace" })).await.ok();
    let requests = format!("/inspectors/{}/requests", made["id"].as_str().unwrap());
    let mut told = String::new();
    let recorded = loop {
        let listed = server.get(&requests).await.ok();
        if listed["requests"][0].is_object() {
            break listed["requests"][0].clone();
        }
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        told.push_str(std::str::from_utf8(&chunk).unwrap());
    };
    while !told.contains("\"inspectors\"") {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        told.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    let job = server.get("/webhookJobs?webhook=Look").await.ok()["webhookJobs"][0].take();
    assert_eq!(recorded["jobId"], job["id"]);
    assert_eq!(recorded["body"], job["requestContent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_is_delivered_now_and_marked() {
    for server in both().await {
        let made = inspector(&server, &json!({ "name": "x" })).await;
        let webhook = json!({ "name": "Look", "type": "User", "event": "Created",
            "url": made["url"], "filter": "1 == 2" });
        server.post("/webhooks", &webhook).await.ok();
        server.post("/signing-keys", &json!({ "kind": "v1" })).await.ok();
        let sent = server.post("/webhooks/Look/send-test", &json!({})).await.ok();
        let expected = json!({ "eventId": null, "webhookJob": { "name": "Look",
            "parentType": "Webhook Test", "parentKey": "sample" } });
        assert_holds(&sent, &expected);
        let content = sent["webhookJob"]["requestContent"].as_str().unwrap();
        let content: Value = serde_json::from_str(content).unwrap();
        assert_holds(&content, &json!({ "event": { "type": "User", "action": "Created" } }));

        server.post("/users", &json!({ "username": "grace" })).await.ok();
        let sent = server.post("/webhooks/Look/send-test", &json!({})).await.ok();
        assert_holds(&sent["webhookJob"], &json!({ "parentKey": "grace", "eventId": null }));
        let event = server.get(&format!("/events/{}", sent["eventId"].as_str().unwrap())).await;
        let event = event.ok()["event"].take();
        assert_eq!(event["jobs"], json!([]), "the filter held, and a test is no delivery");
        let content = sent["webhookJob"]["requestContent"].as_str().unwrap();
        let content: Value = serde_json::from_str(content).unwrap();
        assert_eq!(content, event["payload"]);
        let gone = server.post("/webhooks/Look/send-test", &json!({ "eventId": "none" })).await;
        assert_eq!(gone.refused(404), "Unable to locate the none Event");

        let requests = format!("/inspectors/{}/requests", made["id"].as_str().unwrap());
        let stream = server.bare(Method::GET, "/app/api/v1/stream");
        let mut stream = stream.basic_auth(ADMIN.0, Some(ADMIN.1)).send().await.unwrap();
        while server.get(&requests).await.ok()["requests"].as_array().unwrap().len() < 2 {
            stream.chunk().await.unwrap().expect("the stream goes on");
        }
        let listed = server.get(&requests).await.ok();
        let recorded = &listed["requests"][0];
        assert_eq!(recorded["signature"]["ok"], true, "{recorded}");
        // The same words with another body are not what was signed.
        let mut forged = server.bare(Method::POST, &path(&made)).body("{}");
        for header in recorded["headers"].as_array().unwrap() {
            let name = header["name"].as_str().unwrap();
            if name.starts_with("webhook-") {
                forged = forged.header(name, header["value"].as_str().unwrap());
            }
        }
        Answer::of(forged).await.ok();
        let listed = server.get(&requests).await.ok();
        let forged = &listed["requests"][0]["signature"];
        assert_eq!(forged["ok"], false, "{forged}");
    }
}
