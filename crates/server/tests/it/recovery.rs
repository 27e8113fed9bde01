//! Finding jobs again, through the API.

use crate::harness::both;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_searched_through_the_api() {
    for server in both().await {
        for (name, content) in [("one", "{\"a\":\"needle\"}"), ("two", "{}")] {
            let url = "/app/api/v1/run-tree/s/g/missing";
            let job = json!({"name": name, "url": url, "requestContent": content});
            let made = server.post("/webhookJobs", &job).await.ok();
            assert_eq!(made["webhookJob"]["errorClass"], "tree_missing", "{made}");
        }
        let found = server.get("/webhookJobs?text=NEEDLE&include=summary").await.ok();
        let job = &found["webhookJobs"][0];
        assert_eq!(found["webhookJobs"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!((&job["name"], &job["requestContent"]), (&json!("one"), &json!(null)));
        assert_eq!(found["looked"], json!({"rows": 2, "backTo": null}));
        let path = "/webhookJobs?statuses=failed&errorClass=tree_missing,dns&url=MISSING";
        let found = server.get(path).await.ok();
        assert_eq!(found["webhookJobs"].as_array().unwrap().len(), 2, "{found}");
        assert_eq!(found["webhookJobs"][1]["requestContent"], "{\"a\":\"needle\"}");
        let none = server.get("/webhookJobs?to=2020-01-01T00:00:00Z").await.ok();
        assert_eq!(none["webhookJobs"], json!([]));
        let counts = server.get("/webhookJobs/counts?text=needle").await.ok();
        let expect = json!({"all": 1, "failed": 1, "queued": 0, "inProgress": 0, "max": 10_000,
            "isExact": true});
        assert_eq!(counts["counts"], expect);
        for (query, said) in [
            ("errorClass=strange", "There is no error class"),
            ("endpoint=example.com", "The endpoint parameter must be"),
            ("from=yesterday", "The from parameter must be a time"),
            (&format!("text={}", "x".repeat(256)), "The text parameter must not be longer"),
        ] {
            let refused = server.get(&format!("/webhookJobs?{query}")).await.refused(400);
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}
