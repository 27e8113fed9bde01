//! Submissions of kapps and of the datastore.

use crate::harness::{ADMIN, PLAIN, Server, assert_holds, both, one};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/kapps/services/forms/laptop/submissions";

async fn submit(server: &Server, model: &str) -> Value {
    let body = json!({ "values": { "Model": model } });
    let path = format!("{PATH}?completed=true&include=details,values,form,form.kapp");
    server.post(&path, &body).await.ok()["submission"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_goes_from_draft_to_closed() {
    for server in both().await {
        server.laptop_form().await;
        let draft = json!({ "values": { "Reason": "old one broke" }, "coreState": "Draft" });
        let made = server.post(PATH, &draft).await.ok();
        let made = &made["submission"];
        assert_eq!(made["coreState"], "Draft");
        let id = made["id"].as_str().unwrap();
        let handle = made["handle"].as_str().unwrap();
        assert_eq!(handle, id[id.len() - 6..].to_uppercase());

        let path = format!("/submissions/{id}");
        let early = server.put(&path, &json!({ "coreState": "Submitted" })).await.refused(400);
        assert!(early.starts_with("Invalid Submission."), "{early}");
        let submit = json!({ "coreState": "Submitted", "values": { "Model": "Light 13" } });
        let submitted = server.put(&path, &submit).await.ok();
        let label = "Light 13 please";
        let expected = json!({ "coreState": "Submitted", "submittedBy": ADMIN.0, "label": label });
        assert_holds(&submitted["submission"], &expected);
        let read = server.get(&format!("{path}?include=values,form.kapp.space")).await.ok();
        let expected = json!({
            "values": { "Model": "Light 13", "Reason": "old one broke" },
            "form": { "slug": "laptop", "kapp": { "slug": "services", "space": {} } },
        });
        assert_holds(&read["submission"], &expected);

        server.put(&path, &json!({ "coreState": "Closed" })).await.ok();
        let back = server.put(&path, &json!({ "coreState": "Submitted" })).await.refused(400);
        assert!(back.contains("Unable to put a closed submission in the 'Submitted'"), "{back}");
        server.delete(&path).await.ok();
        server.get(&path).await.refused(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_are_listed_by_query_and_by_page() {
    for server in both().await {
        server.laptop_form().await;
        for model in ["Light 13", "Standard 14", "Light 15"] {
            submit(&server, model).await;
        }
        let first = server.get(&format!("{PATH}?limit=2&include=values")).await.ok();
        assert_eq!(first["submissions"].as_array().unwrap().len(), 2);
        assert_eq!(first["submissions"][0]["values"]["Model"], "Light 15", "newest first");
        let token = first["nextPageToken"].as_str().unwrap();
        let second = server.get(&format!("{PATH}?limit=2&pageToken={token}")).await.ok();
        assert_eq!(second["submissions"].as_array().unwrap().len(), 1);
        assert_eq!(second["nextPageToken"], json!(null));

        let search = json!({
            "q": "values[Model] =* \"Light\" AND coreState = \"Submitted\"",
            "include": "values",
            "direction": "ASC",
            "limit": 10,
        });
        let found = server.post("/kapps/services/forms/laptop/submissions-search", &search).await;
        let found = found.ok();
        let models = found["submissions"].as_array().unwrap().iter();
        let models: Vec<_> = models.map(|s| &s["values"]["Model"]).collect();
        assert_eq!(models, ["Light 13", "Light 15"]);
        let all = server.get("/kapps/services/submissions?coreState=submitted").await.ok();
        assert_eq!(all["submissions"].as_array().unwrap().len(), 3);
        let typo = server.post("/kapps/services/submissions-search", &json!({ "limt": 1 })).await;
        assert_eq!(typo.refused(400), "Unknown property \"limt\"; did you mean \"limit\"?");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_saved_one_by_one() {
    let server = one().await;
    server.laptop_form().await;
    let made = server.post(PATH, &json!({ "values": {} })).await.ok();
    let id = made["submission"]["id"].as_str().unwrap().to_owned();
    let page = json!({ "values": { "Model": "Light 13" } });
    let path = format!("/submissions/{id}?page=Page%201");
    let saved = server.post(&path, &page).await.ok();
    assert_eq!(saved["submission"]["coreState"], "Submitted", "the last page submits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_writes_what_it_is_given() {
    for server in both().await {
        server.laptop_form().await;
        let old = json!({
            "values": { "Model": "Brick" },
            "coreState": "Closed",
            "createdAt": "2019-01-02T03:04:05.000Z",
            "closedAt": "2019-02-02T03:04:05.000Z",
            "closedBy": "somebody",
        });
        let path = format!("{PATH}?include=details,values");
        let made = server.ask(ADMIN, Method::PATCH, &path, Some(&old)).await.ok();
        assert_holds(&made["submission"], &old);
        let id = made["submission"]["id"].as_str().unwrap();
        let back = json!({ "coreState": "Draft" });
        let path = format!("/submissions/{id}");
        let back = server.ask(ADMIN, Method::PATCH, &path, Some(&back)).await.ok();
        assert_eq!(back["submission"]["coreState"], "Draft");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn datastore_submissions_have_routes_of_their_own() {
    for server in both().await {
        server.laptop_form().await;
        let body = json!({ "values": { "Name": "Osaka" } });
        let path = "/datastore/forms/locations/submissions?completed=true";
        let made = server.post(path, &body).await.ok();
        let id = made["submission"]["id"].as_str().unwrap();
        let path = format!("/datastore/submissions/{id}?include=values");
        assert_holds(&server.get(&path).await.ok()["submission"], &body);
        server.put(&path, &json!({ "values": { "Name": "Kyoto" } })).await.ok();
        let listed = server.get("/datastore/forms/locations/submissions?include=values").await.ok();
        assert_eq!(listed["submissions"][0]["values"]["Name"], "Kyoto");
        let path = "/kapps/datastore/forms/locations/submissions-search";
        let found = server.post(path, &json!({ "include": ["values"] })).await.ok();
        assert_eq!(found["submissions"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undefined_field_is_named_and_nothing_is_stored() {
    let server = one().await;
    server.laptop_form().await;
    let wrong = json!({ "values": { "Model": "x", "Modl": "y" } });
    let message = server.post(PATH, &wrong).await.refused(500);
    let form = "kapok > Services > Laptop request";
    assert_eq!(message, format!("The \"Modl\" field is not defined on the \"{form}\" form."));
    let listed = server.get(PATH).await.ok();
    assert_eq!(listed["submissions"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_users_see_their_own_submissions() {
    let server = one().await;
    server.laptop_form().await;
    server.plain_user().await;
    let theirs = submit(&server, "Standard 14").await;
    let path = format!("/submissions/{}", theirs["id"].as_str().unwrap());
    let hidden = server.ask(PLAIN, Method::GET, &path, None).await;
    assert!([403, 404].contains(&hidden.status.as_u16()), "{}", hidden.body);
    let body = json!({ "values": { "Model": "Light 13" } });
    let path = format!("{PATH}?completed=true");
    let own = server.ask(PLAIN, Method::POST, &path, Some(&body)).await.ok();
    assert_eq!(own["submission"]["submittedBy"], PLAIN.0);
    let listed = server.ask(PLAIN, Method::GET, PATH, None).await.ok();
    assert_eq!(listed["submissions"].as_array().unwrap().len(), 1);
}
