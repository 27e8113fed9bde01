//! Forms of kapps and datastore forms.

use crate::harness::{assert_holds, both, laptop, locations};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn forms_keep_their_pages_as_they_were_given() {
    for server in both().await {
        server.post("/kapps", &json!({ "slug": "services", "name": "Services" })).await.ok();
        let made = server.post("/kapps/services/forms?include=pages,attributes", &laptop()).await;
        assert_holds(&made.ok()["form"], &laptop());

        let path = "/kapps/services/forms/laptop";
        let read = server.get(&format!("{path}?include=fields,kapp,details")).await.ok();
        let form = &read["form"];
        assert_holds(&form["fields"], &json!([{ "name": "Model" }, { "name": "Reason" }]));
        assert_eq!(form["kapp"]["slug"], "services");
        assert!(form.get("pages").is_none(), "pages only when asked for");
        assert!(form["createdAt"].as_str().unwrap().ends_with('Z'));

        let change = json!({ "description": "A new laptop", "notes": null });
        assert_holds(&server.put(path, &change).await.ok()["form"], &change);
        let listed = server.get("/kapps/services/forms?include=pages").await.ok();
        assert_holds(&listed["forms"], &json!([{ "slug": "laptop", "type": "Service" }]));
        assert_eq!(listed["forms"][0]["pages"], laptop()["pages"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_form_comes_back_by_its_token() {
    for server in both().await {
        server.laptop_form().await;
        let path = "/kapps/services/forms/laptop";
        let deleted = server.delete(path).await.ok();
        let token = &deleted["form"]["restorationToken"];
        assert!(token.is_string(), "{deleted}");
        server.get(path).await.refused(404);
        let archived = server.get("/kapps/services/forms?archived=true").await.ok();
        assert_eq!(archived["forms"][0]["slug"], "laptop");
        let restore = json!({ "restorationToken": token });
        server.put(path, &restore).await.ok();
        server.get(path).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn datastore_forms_live_beside_kapps() {
    for server in both().await {
        server.post("/datastore/forms", &locations()).await.ok();
        let read = server.get("/datastore/forms/locations?include=pages").await.ok();
        assert_holds(&read["form"], &locations());
        let change = json!({ "name": "Places" });
        assert_holds(
            &server.put("/datastore/forms/locations", &change).await.ok()["form"],
            &change,
        );
        let listed = server.get("/datastore/forms").await.ok();
        assert_holds(&listed["forms"], &json!([{ "slug": "locations" }]));
        server.delete("/datastore/forms/locations").await.ok();
        server.get("/datastore/forms/locations").await.refused(404);
    }
}
