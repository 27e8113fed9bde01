//! How long history is kept, through the API.

use crate::harness::{Answer, both, one};
use reqwest::Method;
use serde_json::{Value, json};

async fn job(server: &crate::harness::Server) -> String {
    let url = "/app/api/v1/run-tree/s/g/missing";
    let job = json!({"name": "one", "url": url, "requestContent": "{\"a\":\"needle\"}"});
    let made = server.post("/webhookJobs", &job).await.ok();
    format!("/webhookJobs/{}", made["webhookJob"]["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_sent_goes_before_the_job() {
    for server in both().await {
        let path = job(&server).await;
        let young = job(&server).await;
        server.plain_user().await;
        let events = server.get("/events?limit=1").await.ok();
        let event = format!("/events/{}", events["events"][0]["id"].as_str().unwrap());
        testkit::age(server.store(), 40).await;
        let young = (young, job(&server).await);
        server.tidy().await;
        let read = server.get(&path).await.ok()["webhookJob"].take();
        assert!(read["payloadRemovedAt"].is_string(), "{read}");
        let kept = server.get(&young.1).await.ok()["webhookJob"].take();
        assert_eq!(kept["payloadRemovedAt"], Value::Null);
        assert_eq!(
            (&read["requestContent"], &read["responseContent"]),
            (&json!(null), &json!(null))
        );
        assert_eq!(read["errorClass"], "tree_missing", "what came of it stays");
        let said = server.put(&path, &json!({"status": "Queued"})).await.refused(400);
        assert!(said.starts_with("What the webhook job sent was removed by retention"), "{said}");
        let found = server.get("/webhookJobs?text=needle").await.ok();
        assert_eq!(found["webhookJobs"].as_array().unwrap().len(), 1, "{found}");
        let read = server.get(&event).await.ok()["event"].take();
        assert!(read["payloadRemovedAt"].is_string(), "{read}");
        let kept = server.get("/retention").await.ok()["retention"].take();
        assert_eq!(kept["isDefault"], true);
        assert!(kept["lastPurge"]["payloads"].as_i64().unwrap() >= 2, "{kept}");

        testkit::age(server.store(), 60).await;
        let newest = job(&server).await;
        server.tidy().await;
        for gone in [&path, &young.0, &event] {
            server.get(gone).await.refused(404);
        }
        for kept in [&young.1, &newest] {
            server.get(kept).await.ok();
        }
        let listed = server.get("/webhookJobs?include=summary").await.ok();
        assert_eq!(listed["webhookJobs"].as_array().unwrap().len(), 2, "{listed}");
        let kept = server.get("/retention").await.ok()["retention"].take();
        assert!(kept["lastPurge"]["rows"].as_i64().unwrap() >= 2, "{kept}");
        let told = server.bare(Method::GET, "/metrics");
        let (name, password) = crate::harness::ADMIN;
        let told =
            told.basic_auth(name, Some(password)).send().await.unwrap().text().await.unwrap();
        assert!(told.contains("kapok_purged_total{kind=\"jobs\"} 2"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_previewed_and_saved_and_takes_effect() {
    for server in both().await {
        let (first, second) = (job(&server).await, job(&server).await);
        testkit::age(server.store(), 3).await;
        let asked = json!({"policy": {"ageDays": 2, "payloadDays": 1}});
        let preview = server.post("/retention/preview", &asked).await.ok();
        assert_eq!(preview["jobs"], json!({"count": 2, "isExact": true}), "{preview}");
        assert_eq!(preview["isShorter"], true);
        let preview = server.post("/retention/preview", &json!({})).await.ok();
        assert_eq!((&preview["jobs"]["count"], &preview["isShorter"]), (&json!(0), &json!(false)));
        server.get(&first).await.ok();

        let mut stream = server.stream().await;
        let saved = server.put("/retention", &asked).await.ok()["retention"].take();
        let expect = json!({"ageDays": 2, "payloadDays": 1, "runDays": 90, "inspectorDays": 7,
            "bytesMax": 20_000_000_000_i64});
        assert_eq!((&saved["policy"], &saved["isDefault"]), (&expect, &json!(false)));
        assert_eq!(server.get("/delivery").await.ok()["delivery"]["retention"], asked["policy"]);
        // The purger was woken; other changes keep the stream going until it is done.
        while server.get(&second).await.status == 200 {
            job(&server).await;
            stream.chunk().await.unwrap().expect("the stream goes on");
        }
        let reset = server.put("/retention", &json!({"policy": null})).await.ok();
        assert_eq!(reset["retention"]["isDefault"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_makes_no_sense_is_refused() {
    let server = one().await;
    for (policy, said) in [
        (json!({"ageDays": 0}), "Age Days must be 1 to 36500, not 0"),
        (json!({"bytesMax": 1}), "Bytes Max must be 100000000 at least, not 1"),
        (json!({"days": 1}), "unknown field"),
        (json!("all"), "invalid type"),
    ] {
        for answer in [
            server.put("/retention", &json!({"policy": policy})).await,
            server.post("/retention/preview", &json!({"policy": policy})).await,
            server.put("/delivery", &json!({"retention": policy})).await,
        ] {
            let refused = answer.refused(400);
            assert!(refused.contains(said), "{refused}");
        }
    }
    let plain = Answer::of(server.bare(Method::GET, "/app/api/v1/retention")).await;
    assert_eq!(plain.status, 401);
}
