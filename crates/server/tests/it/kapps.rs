//! The space and its kapps.

use crate::harness::{ADMIN, assert_holds, both, one};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn kapps_are_created_read_changed_listed_and_deleted() {
    for server in both().await {
        let kapp = json!({
            "slug": "services",
            "name": "Services",
            "attributes": [{ "name": "Icon", "values": ["bag"] }],
            "formTypes": [{ "name": "Service" }],
        });
        let made = server.post("/kapps?include=attributes,details", &kapp).await.ok();
        assert_holds(&made["kapp"], &kapp);
        assert_eq!(made["kapp"]["status"], "Active");
        assert_eq!(made["kapp"]["createdBy"], ADMIN.0);

        let change = json!({ "name": "All services", "attributesMap": { "Icon": ["box", "bag"] } });
        server.put("/kapps/services", &change).await.ok();
        let read = server.get("/kapps/services?include=attributesMap,space").await.ok();
        assert_holds(&read["kapp"], &change);
        assert_eq!(read["kapp"]["slug"], "services");
        assert_eq!(read["kapp"]["space"]["slug"], "kapok");
        assert!(read["kapp"].get("createdAt").is_none(), "details only when asked for");

        server.post("/kapps", &json!({ "slug": "queue", "name": "Queue" })).await.ok();
        let listed = server.get("/kapps").await.ok();
        let slugs: Vec<_> =
            listed["kapps"].as_array().unwrap().iter().map(|k| &k["slug"]).collect();
        assert_eq!(slugs, ["queue", "services"]);
        assert_eq!(listed["messages"], json!([]));
        assert_eq!(listed["nextPageToken"], json!(null));

        let deleted = server.delete("/kapps/queue").await.ok();
        assert_eq!(deleted["kapp"]["slug"], "queue");
        let gone = server.get("/kapps/queue").await.refused(404);
        assert_eq!(gone, "Unable to locate the queue Kapp");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_slug_and_a_blank_name_are_refused() {
    for server in both().await {
        let kapp = json!({ "slug": "services", "name": "Services" });
        server.post("/kapps", &kapp).await.ok();
        let again = server.post("/kapps", &kapp).await;
        assert_eq!(again.body["errorKey"], "uniqueness_violation");
        again.refused(400);
        let blank = server.post("/kapps", &json!({ "slug": "x", "name": " " })).await.refused(400);
        assert_eq!(blank, "Invalid Kapp.\n    Name must not be blank");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_space_is_read_and_changed_under_both_addresses() {
    let server = one().await;
    let change = json!({ "name": "Acme", "attributes": [{ "name": "City", "values": ["Osaka"] }] });
    server.put("/space", &change).await.ok();
    let read = server.get("/kapok/app/api/v1/space?include=attributes,kapps").await.ok();
    assert_holds(&read["space"], &change);
    assert_eq!(read["space"]["kapps"], json!([]));
    server.put("/space", &json!({ "oauthSigningKey": "secret" })).await.ok();
    let read = server.get("/space").await.ok();
    assert!(!read.to_string().contains("secret"), "{read}");
    let elsewhere = server.bare(reqwest::Method::GET, "/elsewhere/app/api/v1/space");
    let elsewhere = crate::harness::Answer::of(elsewhere.basic_auth(ADMIN.0, Some(ADMIN.1))).await;
    assert_eq!(elsewhere.refused(404), "Unable to locate the elsewhere Space");
}
