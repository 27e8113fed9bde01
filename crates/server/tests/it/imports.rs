//! Handlers in the folders that `kapok import` and `kapok export` read and write: our own, and what
//! packages of the Kinetic Platform declare.

use crate::commands::{documents, output};
use crate::handlers::{start, until};
use crate::harness::{ADMIN, Answer, PLAIN, assert_holds, both};
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;

const TASK: &str = "/app/components/task/app/api/v2";

/// What a package declares; its id is without the version, as packages have it.
const BADGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<taskDefinition id="acme_badge_print" name="Badge Print" schema_version="1.0" version="1">
  <description>Prints a badge.</description>
  <deferrable>false</deferrable>
  <parameters>
    <parameter id="error_handling" label="Error Handling" required="true"
      menu="Error Message,Raise Error" tooltip="What then.">Raise Error</parameter>
    <parameter id="Visitor" label="Visitor" required="true" tooltip="Whose it is."/>
    <parameter id="Photo" label="Photo" required="true" dependsOnId="Kind"
      dependsOnValue="Photo"/>
  </parameters>
  <handler name="acme_badge_print" version="1"/>
  <results format="xml"><result name="Badge Id"/></results>
</taskDefinition>"#;

/// A tree that calls the handler and looks at its result.
const TREE: &str = r#"<tree schema_version="1.0"><sourceName>Kinetic Task</sourceName>
<sourceGroup>Group</sourceGroup><type>Tree</type><status>Active</status>
<taskTree builder_version="" schema_version="1.0" version=""><name>visit</name><author/><notes/>
<lastID>2</lastID><request>
<task definition_id="system_start_v1" id="start" name="Start" x="1" y="1"><version>1</version>
 <configured>true</configured><defers>false</defers><deferrable>false</deferrable>
 <visible>false</visible><parameters/><messages/>
 <dependents><task label="" type="Complete" value="">acme_badge_print_v1_1</task></dependents>
</task>
<task definition_id="acme_badge_print_v1" id="acme_badge_print_v1_1" name="Print" x="1" y="9">
 <version>1</version><configured>true</configured><defers>false</defers>
 <deferrable>false</deferrable><visible>true</visible><parameters>
 <parameter id="error_handling" label="" menu="" required="true" tooltip="">Raise Error</parameter>
 <parameter id="Visitor" label="" menu="" required="true" tooltip="">Ann</parameter>
 </parameters><messages/>
 <dependents><task label="" type="Complete" value="">utilities_echo_v1_2</task></dependents>
</task>
<task definition_id="utilities_echo_v1" id="utilities_echo_v1_2" name="Echo" x="1" y="19">
 <version>1</version><configured>true</configured><defers>false</defers>
 <deferrable>false</deferrable><visible>true</visible><parameters>
 <parameter id="input" label="" menu="" required="true" tooltip=""
  >&lt;%= @results['Print']['Badge Id'] %&gt;</parameter>
 </parameters><messages/><dependents/>
</task></request></taskTree></tree>"#;

fn package(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn write(folder: &Path, file: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// An export of the other platform: packages as files and as folders, and what calls them.
fn exported() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let code = ("handler/init.rb", "raise 'this is never run'");
    write(
        at,
        "task/handlers/acme_badge_print_v1.zip",
        package(&[code, ("process/node.xml", BADGE)]),
    );
    let other = BADGE.replace("acme_badge_print", "acme_door_open").replace("Badge", "Door");
    write(at, "task/handlers/acme_door_open_v1/process/node.xml", other);
    write(
        at,
        "task/handlers/acme_door_open_v1/process/info.xml",
        "<taskInfo version=\"1.0\"><info name=\"password\">not for us</info></taskInfo>",
    );
    let ours = BADGE.replace("acme_badge_print", "utilities_echo");
    write(at, "task/handlers/utilities_echo_v1/process/node.xml", ours);
    write(at, "task/handlers/broken_v1.zip", package(&[code]));
    write(at, "task/aa-trees/visit.xml", TREE);
    let category = json!([{ "name": "Desk", "handlers": ["acme_badge_print_v1"] }]);
    write(at, "task/aa-categories.json", category.to_string());
    folder
}

/// Why something was refused, as the engine's API has it.
fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{}", answer.body);
    answer.body["message"].as_str().unwrap().to_owned()
}

fn of_kind<'a>(report: &'a [Value], title: &str) -> &'a Value {
    report.iter().find(|record| record["title"] == title).unwrap_or_else(|| panic!("{report:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_the_platform_are_imported_and_wait_for_their_url() {
    for server in both().await {
        let folder = exported();
        let at = folder.path().to_str().unwrap();
        let report = |bytes: &[u8]| -> Vec<Value> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let dry = output(&server, &["import", at, "--dry-run", "--json"]).await;
        assert!(!dry.status.success(), "one package is refused");
        let dry = report(&dry.stdout);
        let path = format!("{TASK}/handlers/acme_badge_print_v1");
        assert_eq!(server.get(&path).await.status, 404);
        let done = report(&output(&server, &["import", at, "--json"]).await.stdout);
        for report in [&dry, &done] {
            let made = of_kind(report, "acme_badge_print_v1");
            assert_holds(made, &json!({ "kind": "Handler", "action": "created" }));
            assert!(made["message"].as_str().unwrap().starts_with("It needs a URL"), "{made}");
            assert_eq!(of_kind(report, "acme_door_open_v1")["action"], "created");
            let ours = of_kind(report, "utilities_echo_v1");
            assert_holds(ours, &json!({ "kind": "Handler", "action": "skipped" }));
            let tree = of_kind(report, "Kinetic Task :: Group :: visit");
            assert_holds(tree, &json!({ "action": "created", "problems": [] }));
            assert_eq!(of_kind(report, "Desk")["action"], "created");
            let refused = report.iter().find(|r| r["action"] == "refused").unwrap();
            let said = refused["message"].as_str().unwrap();
            assert!(said.contains("no process/node.xml"), "{said}");
            let info = report.iter().find(|r| r["path"].to_string().contains("info.xml")).unwrap();
            assert_eq!(info["action"], "skipped", "{info}");
        }

        let handler = server.get(&path).await.ok();
        assert_holds(
            &handler,
            &json!({ "name": "Badge Print", "needsUrl": true, "url": "", "status": "Active",
                "external": true, "results": [{ "name": "Badge Id" }],
                "parameters": [
                    { "id": "error_handling", "required": true, "description": "What then.",
                        "options": ["Error Message", "Raise Error"],
                        "defaultValue": "Raise Error" },
                    { "id": "Visitor", "required": true },
                    { "id": "Photo", "required": false },
                ] }),
        );
        let run = start(&server, "visit").await;
        let failed = until(&server, &run, "Error").await;
        let said = failed["view"]["errors"].to_string();
        assert!(said.contains("acme_badge_print_v1 has no URL yet"), "{said}");
        let act = format!("{path}/actions");
        let trial = server.post(&act, &json!({ "action": "Try" })).await;
        assert!(refusal(&trial).contains("has no URL yet"));

        // Everything but the URL can be changed before there is one; then the run goes on.
        server.put(&path, &json!({ "name": "Badges", "url": "" })).await.ok();
        assert_eq!(server.put(&path, &json!({ "url": "ftp://example.com" })).await.status, 400);
        let url = badges().await;
        let set = server.put(&path, &json!({ "url": url })).await.ok();
        assert_eq!(set["needsUrl"], false);
        assert_eq!(server.put(&path, &json!({ "url": "" })).await.status, 400);
        let errors = server.get(&format!("{TASK}/errors")).await.ok();
        let error = errors["errors"][0]["id"].clone();
        let retry = json!({ "ids": [error], "action": "Retry Task", "resolution": "It has one." });
        server.post(&format!("{TASK}/errors/resolve"), &retry).await.ok();
        let done = until(&server, &run, "Complete").await;
        assert_eq!(done["tasks"][2]["results"]["output"], "B-7");

        // Coming again, the package changes what it declares and leaves what was set here.
        let again = report(&output(&server, &["import", at, "--json"]).await.stdout);
        assert_eq!(of_kind(&again, "acme_badge_print_v1")["action"], "updated");
        assert_holds(
            &server.get(&path).await.ok(),
            &json!({ "name": "Badge Print", "url": url, "needsUrl": false }),
        );
        let same = report(&output(&server, &["import", at, "--json"]).await.stdout);
        assert_holds(
            of_kind(&same, "acme_badge_print_v1"),
            &json!({ "action": "unchanged", "message": null }),
        );
    }
}

/// A service that does the work at last.
async fn badges() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let print = || async { axum::Json(json!({ "results": { "Badge Id": "B-7" } })) };
    let routes = axum::Router::new().route("/print", post(print));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/print")
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_are_exported_and_read_back_without_loss() {
    for server in both().await {
        let all = format!("{TASK}/handlers");
        let full = json!({ "definitionId": "acme_label_print_v1", "name": "Print a label",
            "description": "On paper.", "status": "Inactive", "url": "http://127.0.0.1:8999/print",
            "effect": "once", "timeoutSeconds": 77,
            "parameters": [{ "id": "Text", "description": "What it says.", "required": true,
                "options": ["a", "b"], "defaultValue": "<%= @run['Id'] %>" }],
            "results": [{ "name": "Pages", "description": "How many." }] });
        let secret = server.post(&all, &full).await.ok()["secret"].as_str().unwrap().to_owned();
        let folder = tempfile::tempdir().unwrap();
        // What it stands in says nothing about what a file holds.
        let at = folder.path().join("sources and categories");
        let to = at.to_str().unwrap();
        documents(&server, &["export", to, "--json"]).await;
        let file = at.join("handlers/acme_label_print_v1.json");
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), full);
        assert!(!text.contains(&secret) && !text.contains("whsec_") && !text.contains("secret"));
        let same = documents(&server, &["import", to, "--json"]).await;
        assert_eq!(of_kind(&same, "acme_label_print_v1")["action"], "unchanged");

        server.delete(&format!("{all}/acme_label_print_v1")).await.ok();
        let made = documents(&server, &["import", to, "--json"]).await;
        let made = of_kind(&made, "acme_label_print_v1");
        assert_eq!(made["action"], "created");
        assert!(made["message"].as_str().unwrap().starts_with("A new secret"), "{made}");
        documents(&server, &["export", to, "--json"]).await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        let changed = text.replace("On paper.", "On film.");
        std::fs::write(&file, changed).unwrap();
        let changed = documents(&server, &["import", to, "--json"]).await;
        assert_eq!(of_kind(&changed, "acme_label_print_v1")["action"], "updated");
        std::fs::write(&file, text.replace("\"once\"", "\"pure\"")).unwrap();
        let wrong = output(&server, &["import", to]).await;
        assert!(!wrong.status.success());
        let said = String::from_utf8(wrong.stdout).unwrap();
        assert!(said.contains("repeatable, keyed or once"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_uploaded_as_clients_do() {
    for server in both().await {
        server.plain_user().await;
        let zip = package(&[("process/node.xml", BADGE)]);
        let upload = async |who: (&str, &str), query: &str, field: &str, content: &[u8]| {
            let mut body = format!(
                "--edge\r\ncontent-disposition: form-data; name=\"{field}\"; \
                 filename=\"x.zip\"\r\n\r\n"
            )
            .into_bytes();
            body.extend(content);
            body.extend(b"\r\n--edge--\r\n");
            let request = server.bare(Method::POST, &format!("{TASK}/handlers{query}"));
            let request = request
                .basic_auth(who.0, Some(who.1))
                .header("content-type", "multipart/form-data; boundary=edge");
            Answer::of(request.body(body)).await
        };
        assert_eq!(upload(PLAIN, "", "package", &zip).await.status, 403);
        let made = upload(ADMIN, "", "package", &zip).await.ok();
        assert_holds(
            &made,
            &json!({ "messageType": "success", "definitionId": "acme_badge_print_v1",
                "message": "Uploaded task handler acme_badge_print_v1.", "needsUrl": true }),
        );
        let taken = upload(ADMIN, "?force=false", "package", &zip).await;
        assert!(refusal(&taken).contains("exists already"));
        upload(ADMIN, "?force=true", "package", &zip).await.ok();
        let evil = package(&[("process/node.xml", BADGE), ("../../etc/cron.d/x", "")]);
        assert!(refusal(&upload(ADMIN, "", "package", &evil).await).contains("outside"));
        let bomb = package(&[("process/node.xml", &" ".repeat(32 * 1024 * 1024))]);
        assert!(bomb.len() < 64 * 1024);
        assert!(refusal(&upload(ADMIN, "", "package", &bomb).await).contains("larger than"));
        assert!(refusal(&upload(ADMIN, "", "package", b"no zip").await).contains("package"));
        assert!(refusal(&upload(ADMIN, "", "file", &zip).await).contains("\"package\""));
    }
}
