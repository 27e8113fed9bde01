//! Users, teams and memberships.

use crate::harness::{ADMIN, PLAIN, assert_holds, both, one};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn users_are_created_read_changed_listed_and_deleted() {
    for server in both().await {
        let user = json!({
            "username": "grace.lin",
            "displayName": "Grace Lin",
            "email": "grace@acme.example",
            "enabled": true,
            "timezone": "Asia/Tokyo",
            "attributes": [{ "name": "Department", "values": ["Operations"] }],
            "profileAttributes": [{ "name": "Motto", "values": ["On time"] }],
        });
        let made = server.post("/users?include=attributes,profileAttributes", &user).await.ok();
        assert_holds(&made["user"], &user);
        assert_eq!(made["user"]["spaceAdmin"], false);

        let change = json!({ "displayName": "Grace L." });
        assert_holds(&server.put("/users/grace.lin", &change).await.ok()["user"], &change);
        let read = server.get("/users/grace.lin?include=attributesMap,details").await.ok();
        assert_eq!(read["user"]["attributesMap"], json!({ "Department": ["Operations"] }));
        assert!(!read.to_string().contains("argon2"), "{read}");

        let listed = server.get("/users?q=email%20=*%20%22grace%22").await.ok();
        assert_holds(&listed["users"], &json!([{ "username": "grace.lin" }]));
        let deleted = server.delete("/users/grace.lin").await.ok();
        assert_eq!(deleted["user"]["username"], "grace.lin");
        let gone = server.get("/users/grace.lin").await.refused(404);
        assert_eq!(gone, "Unable to locate the grace.lin User");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_take_their_slug_from_their_name() {
    for server in both().await {
        let made = server.post("/teams", &json!({ "name": "IT::Support" })).await.ok();
        let team = &made["team"];
        assert_holds(team, &json!({ "localName": "Support", "parentName": "IT" }));
        let slug = team["slug"].as_str().unwrap();
        assert_eq!(slug.len(), 32);
        let renamed = server.put(&format!("/teams/{slug}"), &json!({ "name": "IT::Desk" })).await;
        let renamed = renamed.ok()["team"]["slug"].as_str().unwrap().to_owned();
        assert_ne!(renamed, slug);

        let deleted = server.delete(&format!("/teams/{renamed}")).await.ok();
        let token = deleted["team"]["restorationToken"].as_str().unwrap().to_owned();
        server.get(&format!("/teams/{renamed}")).await.refused(404);
        let path = format!("/teams?restorationToken={token}");
        server.post(&path, &json!({ "name": "IT::Desk" })).await.ok();
        server.get(&format!("/teams/{renamed}")).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_join_and_part() {
    for server in both().await {
        server.plain_user().await;
        let made = server.post("/teams", &json!({ "name": "Managers" })).await.ok();
        let slug = made["team"]["slug"].as_str().unwrap().to_owned();
        let membership = json!({ "team": { "name": "Managers" }, "user": { "username": PLAIN.0 } });
        let joined = server.post("/memberships/", &membership).await.ok();
        assert_holds(&joined["membership"], &membership);

        let team = server.get(&format!("/teams/{slug}?include=memberships")).await.ok();
        assert_eq!(team["team"]["memberships"][0]["user"]["username"], PLAIN.0);
        let user = server.get(&format!("/users/{}?include=memberships", PLAIN.0)).await.ok();
        assert_eq!(user["user"]["memberships"][0]["team"]["slug"], slug.as_str());

        server.delete(&format!("/memberships/{slug}_{}", PLAIN.0)).await.ok();
        let team = server.get(&format!("/teams/{slug}?include=memberships")).await.ok();
        assert_eq!(team["team"]["memberships"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_change_themselves() {
    let server = one().await;
    server.plain_user().await;
    let me = server.ask(PLAIN, Method::GET, "/me", None).await.ok();
    assert_eq!(me["username"], PLAIN.0, "the answer is not wrapped");
    let change = json!({ "displayName": "Plain Jane" });
    let changed = server.ask(PLAIN, Method::PUT, "/me", Some(&change)).await.ok();
    assert_eq!(changed["user"]["displayName"], "Plain Jane");
    let grab = json!({ "spaceAdmin": true });
    server.ask(PLAIN, Method::PUT, "/me", Some(&grab)).await.refused(403);
    let path = format!("/users/{}", ADMIN.0);
    server.ask(PLAIN, Method::GET, &path, None).await.refused(403);
}
