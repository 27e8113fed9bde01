//! Approvals: who sees them, who decides, and what somebody else may not do.

use crate::harness::{ADMIN, PLAIN, Server, both};
use reqwest::Method;
use serde_json::{Value, json};

const OTHER: (&str, &str) = ("other", "a third password");
const FORM: &str = "/kapps/services/forms/approval/submissions";

fn field(key: &str, name: &str) -> Value {
    json!({ "type": "field", "key": key, "name": name, "label": name, "dataType": "string",
            "renderType": "text", "required": name == "Decision" })
}

/// A form of type Approval, and the plain user, who is a manager, beside another one.
async fn prepare(server: &Server) {
    server.laptop_form().await;
    let fields = ["Request", "Decision", "Assigned Individual", "Assigned Team"];
    let fields = fields.iter().enumerate().map(|(i, name)| field(&format!("f{i}"), name));
    let form = json!({
        "slug": "approval", "name": "Approval", "status": "Active", "type": "Approval",
        "pages": [{ "name": "Page 1", "type": "page", "renderType": "submittable",
                    "elements": fields.collect::<Vec<_>>() }],
    });
    server.post("/kapps/services/forms", &form).await.ok();
    let datastore = json!({ "slug": "store-approval", "name": "Store approval", "status": "Active",
                            "type": "Approval", "pages": form["pages"] });
    server.post("/datastore/forms", &datastore).await.ok();
    server.plain_user().await;
    let other = json!({ "username": OTHER.0, "password": OTHER.1, "enabled": true });
    server.post("/users", &other).await.ok();
    server.post("/teams", &json!({ "name": "Managers" })).await.ok();
    let membership = json!({ "team": { "name": "Managers" }, "user": { "username": PLAIN.0 } });
    server.post("/memberships", &membership).await.ok();
}

/// Leaves an approval as a workflow does, and returns its id.
async fn asked(server: &Server, request: &str, assigned: (&str, &str)) -> String {
    let values = json!({ "Request": request, assigned.0: assigned.1 });
    let body = json!({ "values": values, "coreState": "Draft" });
    let made = server.post(FORM, &body).await.ok();
    made["submission"]["id"].as_str().unwrap().to_owned()
}

async fn requests(server: &Server, who: (&str, &str), query: &str) -> Vec<String> {
    let path = format!("/approvals?include=values{query}");
    let listed = server.ask(who, Method::GET, &path, None).await.ok();
    let rows = listed["submissions"].as_array().unwrap().iter();
    rows.map(|row| row["values"]["Request"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_waits_for_them_or_their_team() {
    for server in both().await {
        prepare(&server).await;
        asked(&server, "one", ("Assigned Individual", PLAIN.0)).await;
        asked(&server, "two", ("Assigned Team", "Managers")).await;
        asked(&server, "three", ("Assigned Individual", OTHER.0)).await;
        asked(&server, "nobody's", ("Assigned Team", "Gone")).await;

        assert_eq!(requests(&server, PLAIN, "").await, ["two", "one"], "newest first");
        assert_eq!(requests(&server, OTHER, "").await, ["three"]);
        let all = ["nobody's", "three", "two", "one"];
        assert_eq!(requests(&server, ADMIN, "&scope=all").await, all);
        assert_eq!(requests(&server, ADMIN, "").await, [""; 0]);
        let path = "/approvals?scope=all";
        let denied = server.ask(PLAIN, Method::GET, path, None).await.refused(403);
        assert!(denied.contains("see the approvals of others"), "{denied}");
        server.get("/approvals?scope=theirs").await.refused(400);
        server.get("/approvals?coreState=Open").await.refused(400);

        // The lists of forms tell them too, and nothing more.
        let listed = server.ask(PLAIN, Method::GET, FORM, None).await.ok();
        assert_eq!(listed["submissions"].as_array().unwrap().len(), 2);

        // Who leaves the team no longer sees what waits for it.
        let team = server.get("/teams").await.ok()["teams"][0]["slug"].take();
        let path = format!("/memberships/{}_{}", team.as_str().unwrap(), PLAIN.0);
        server.delete(&path).await.ok();
        assert_eq!(requests(&server, PLAIN, "").await, ["one"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_are_listed_page_by_page_and_counted() {
    for server in both().await {
        prepare(&server).await;
        for request in ["a", "b", "c"] {
            asked(&server, request, ("Assigned Individual", PLAIN.0)).await;
        }
        let path = "/approvals?limit=2&count=true&include=values";
        let first = server.ask(PLAIN, Method::GET, path, None).await.ok();
        assert_eq!(first["count"], 3);
        assert_eq!(first["submissions"].as_array().unwrap().len(), 2);
        let token = first["nextPageToken"].as_str().unwrap();
        let rest = format!("&limit=2&pageToken={token}");
        assert_eq!(requests(&server, PLAIN, &rest).await, ["a"]);
        let wrong = "/approvals?pageToken=nonsense";
        server.ask(PLAIN, Method::GET, wrong, None).await.refused(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_decided_once_and_by_nobody_else() {
    for server in both().await {
        prepare(&server).await;
        let id = asked(&server, "one", ("Assigned Team", "Managers")).await;
        let path = format!("/submissions/{id}");
        let decision = json!({ "coreState": "Submitted", "values": { "Decision": "Approve" } });
        server.ask(OTHER, Method::GET, &path, None).await.refused(403);
        server.ask(OTHER, Method::PUT, &path, Some(&decision)).await.refused(403);

        server.ask(PLAIN, Method::GET, &path, None).await.ok();
        let blank = json!({ "coreState": "Submitted" });
        server.ask(PLAIN, Method::PUT, &path, Some(&blank)).await.refused(400);
        let decided = server.ask(PLAIN, Method::PUT, &path, Some(&decision)).await.ok();
        assert_eq!(decided["submission"]["submittedBy"], PLAIN.0);
        assert_eq!(requests(&server, PLAIN, "").await, [""; 0]);
        assert_eq!(requests(&server, PLAIN, "&coreState=submitted,Closed").await, ["one"]);

        // A colleague of the same team comes too late and is told so.
        let membership = json!({ "team": { "name": "Managers" }, "user": { "username": OTHER.0 } });
        server.post("/memberships", &membership).await.ok();
        server.ask(OTHER, Method::GET, &path, None).await.ok();
        let late = json!({ "coreState": "Submitted", "values": { "Decision": "Deny" } });
        let late = server.ask(OTHER, Method::PUT, &path, Some(&late)).await.refused(400);
        assert_eq!(late, format!("{} has decided this approval already", PLAIN.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_can_be_handed_over() {
    for server in both().await {
        prepare(&server).await;
        let id = asked(&server, "one", ("Assigned Individual", PLAIN.0)).await;
        let path = format!("/submissions/{id}");
        let over = json!({ "values": { "Assigned Individual": OTHER.0 } });
        server.ask(PLAIN, Method::PUT, &path, Some(&over)).await.ok();
        assert_eq!(requests(&server, OTHER, "").await, ["one"]);
        server.ask(PLAIN, Method::GET, &path, None).await.refused(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_that_name_on_other_forms_give_no_rights() {
    for server in both().await {
        prepare(&server).await;
        let values = json!({ "Request": "x", "Assigned Individual": PLAIN.0, "Decision": "y" });
        let body = json!({ "values": values });
        let path = "/datastore/forms/store-approval/submissions?completed=true";
        let made = server.post(path, &body).await.ok();
        let id = made["submission"]["id"].as_str().unwrap();
        let path = format!("/datastore/submissions/{id}");
        server.ask(PLAIN, Method::GET, &path, None).await.refused(403);

        // The type that counts is the one of the form when the approval was asked for.
        let change = json!({ "type": "Service" });
        server.put("/kapps/services/forms/approval", &change).await.ok();
        let id = asked(&server, "one", ("Assigned Individual", PLAIN.0)).await;
        let path = format!("/submissions/{id}");
        server.ask(PLAIN, Method::GET, &path, None).await.refused(403);
        assert_eq!(requests(&server, PLAIN, "").await, [""; 0]);
    }
}
