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

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_recovered_through_the_api() {
    for server in both().await {
        let url = "/app/api/v1/run-tree/s/g/missing";
        for name in ["one", "two"] {
            let job = json!({"name": name, "url": url, "requestContent": "{}"});
            server.post("/webhookJobs", &job).await.ok();
        }
        let asked = json!({"mode": "replay", "note": "again", "ratePerSecond": 100,
            "filter": {"errorClass": "tree_missing", "statuses": ["failed"]}});
        let preview = server.post("/recoveries/preview", &asked).await.ok();
        assert_eq!(preview["preview"]["count"], 2, "{preview}");
        assert_eq!(preview["preview"]["byClass"][0]["errorClass"], "tree_missing");
        assert_eq!(preview["preview"]["sample"][0]["requestContent"], json!(null));
        let made = server.post("/recoveries", &asked).await.ok()["recovery"].take();
        assert_eq!((&made["status"], &made["total"]), (&json!("Running"), &json!(2)));
        let path = format!("/recoveries/{}", made["id"].as_str().unwrap());
        let mut stream = server.stream().await;
        let done = loop {
            let read = server.get(&path).await.ok()["recovery"].take();
            if read["status"] == "Complete" {
                break read;
            }
            stream.chunk().await.unwrap().expect("the stream goes on");
        };
        assert_eq!((&done["done"], &done["failed"]), (&json!(2), &json!(0)), "{done}");
        let listed = server.get("/webhookJobs").await.ok();
        assert_eq!(listed["webhookJobs"][0]["recoveryId"], made["id"], "{listed}");
        let listed = server.get("/recoveries").await.ok();
        assert_eq!(listed["recoveries"][0]["note"], "again");
        let act = json!({"action": "pause"});
        let said = server.post(&format!("{path}/actions"), &act).await.refused(400);
        assert_eq!(said, "A recovery that is Complete cannot become Paused");
        let said = server.post("/recoveries", &json!({"mode": "undo"})).await.refused(400);
        assert!(said.starts_with("There is no mode"), "{said}");
        server.get("/recoveries/none").await.refused(404);
    }
}
