//! Signing keys through the API: made, shown once, retired, revoked, published.

use crate::harness::{PLAIN, both, one};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_retired_and_revoked() {
    for server in both().await {
        let made = server.post("/signing-keys", &json!({ "kind": "v1" })).await.ok();
        let secret = made["key"]["secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_"), "{secret}");
        assert_eq!(
            (&made["key"]["state"], &made["key"]["publicKey"]),
            (&json!("active"), &json!(null))
        );
        let pair = server.post("/signing-keys", &json!({ "kind": "v1a" })).await.ok();
        assert_eq!(pair["key"]["secret"], json!(null));
        let public = pair["key"]["publicKey"].as_str().unwrap();
        assert!(public.starts_with("whpk_"), "{public}");

        let listed = server.get("/signing-keys").await.ok();
        assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
        assert!(!listed.to_string().contains("whsec_"), "a secret is shown once");
        let open = |path: &'static str| async {
            let answer = server.bare(Method::GET, path).send().await.unwrap();
            answer.json::<Value>().await.unwrap()
        };
        for path in ["/app/api/v1/webhook-keys", "/kapok/app/api/v1/webhook-keys"] {
            let keys = open(path).await;
            assert_eq!(keys["keys"][0]["publicKey"], public);
            assert_eq!(keys["keys"].as_array().unwrap().len(), 1, "symmetric keys are nobody's");
        }

        let act = |id: &Value, body: Value| {
            let path = format!("/signing-keys/{}/actions", id.as_str().unwrap());
            let server = &server;
            async move { server.post(&path, &body).await }
        };
        let id = &made["key"]["id"];
        let retired = act(id, json!({"action": "retire", "overlapHours": 2})).await.ok();
        assert_eq!(retired["key"]["state"], "retiring");
        assert!(retired["key"]["retiresAt"].is_string());
        let over = act(id, json!({"action": "retire", "overlapHours": 9_000})).await.refused(400);
        assert!(over.contains("between 0 and 2160"), "{over}");
        act(id, json!({"action": "burn"})).await.refused(400);
        assert_eq!(act(id, json!({"action": "revoke"})).await.ok()["key"]["state"], "revoked");
        act(id, json!({"action": "revoke"})).await.refused(400);
        act(&pair["key"]["id"], json!({"action": "revoke"})).await.ok();
        assert_eq!(open("/app/api/v1/webhook-keys").await, json!({ "keys": [] }));
        act(&json!("nobody"), json!({"action": "revoke"})).await.refused(404);
        let refused = server.post("/signing-keys", &json!({ "kind": "v2" })).await.refused(400);
        assert!(refused.contains("v1 or v1a"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_for_administrators_and_have_a_limit() {
    let server = one().await;
    server.plain_user().await;
    let body = json!({ "kind": "v1" });
    server.ask(PLAIN, Method::GET, "/signing-keys", None).await.refused(403);
    server.ask(PLAIN, Method::POST, "/signing-keys", Some(&body)).await.refused(403);
    for _ in 0..model::limits::SIGNING_KEYS_AT_ONCE {
        server.post("/signing-keys", &body).await.ok();
    }
    let refused = server.post("/signing-keys", &body).await.refused(400);
    assert!(refused.contains("Revoke one first"), "{refused}");
}
