//! Realistic trees of our own in the exported format: imported as a folder by the command line,
//! run, and exported again. They use the Ruby that real trees use.

use crate::commands::{documents, output};
use crate::harness::{ADMIN, Server, both, one};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const TASK: &str = "/app/components/task/app/api/v2";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
/// What each tree's nodes leave for the data it is started with.
const EXPECT: &str = include_str!("../corpus_expect.json");

async fn get(server: &Server, path: &str) -> Value {
    server.ask(ADMIN, Method::GET, &format!("{TASK}{path}"), None).await.ok()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

async fn finished(server: &Server, run: &str) -> Value {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let run = get(server, &format!("/runs/{run}?include=tasks,outputs,errors")).await;
        if run["state"] == "Complete" {
            return run;
        }
        let late = run["state"] == "Error" || tokio::time::Instant::now() > deadline;
        assert!(!late, "{}: {:#}", run["tree"]["title"], run["errors"]);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_trees_are_imported_and_run_as_they_are() {
    for server in both().await {
        let imported = documents(&server, &["import", FOLDER, "--json"]).await;
        assert!(imported.len() > 20, "{}", imported.len());
        for record in &imported {
            assert_eq!(record["action"], "created", "{record}");
            assert_eq!(record["problems"], json!([]), "{record}");
        }
        let cases: Vec<Value> = serde_json::from_str(EXPECT).unwrap();
        let mut wrong = Vec::new();
        for case in &cases {
            let title = case["title"].as_str().unwrap();
            let names: Vec<String> = title.split(" :: ").map(encoded).collect();
            let path = format!("/app/api/v1/run-tree/{}", names.join("/"));
            let started = server.post(&path, &case["data"]).await.ok();
            let run = finished(&server, started["runId"].as_str().unwrap()).await;
            let tasks = run["tasks"].as_array().unwrap();
            for (node, expect) in case["results"].as_object().unwrap() {
                let task = tasks.iter().find(|task| task["nodeName"] == *node);
                let got = task.map(|task| task["results"]["output"].clone());
                if got.as_ref() != Some(expect) {
                    wrong.push(format!("{title}, {node}\n  wanted {expect}\n  got    {got:?}"));
                }
            }
            for node in case["skipped"].as_array().unwrap() {
                assert!(!tasks.iter().any(|t| t["nodeName"] == *node), "{title}: {node} ran");
            }
            assert_eq!(run["outputs"], case["outputs"], "{title}");
            let message = tasks.iter().find_map(|task| task["messages"][0]["text"].as_str());
            let expect = title.ends_with("Blocks").then_some("Counted 7.");
            assert_eq!(message, expect, "{title}");
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let sorted = get(&server, "/categories/Desk").await;
        assert_eq!(sorted["trees"][0]["definitionId"], "routine_desk_greet_v1");
    }
}

/// All files below a folder, with their text.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_imported_without_a_change() {
    let server = one().await;
    let dry = documents(&server, &["import", FOLDER, "--dry-run", "--json"]).await;
    assert!(dry.iter().all(|record| record["problems"] == json!([])), "{dry:#?}");
    assert_eq!(get(&server, "/trees").await["count"], 0);
    documents(&server, &["import", FOLDER, "--json"]).await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let written = documents(&server, &["export", to, "--json"]).await;
    assert_eq!(written.len(), 25, "{written:#?}");
    let first = files(folder.path());
    let tree = folder.path().join("trees/Kinetic Request CE/Teams/Team Membership Change.xml");
    assert!(first.iter().any(|(path, _)| *path == tree), "{first:#?}");
    documents(&server, &["import", to, "--json"]).await;
    documents(&server, &["export", to, "--json"]).await;
    assert_eq!(files(folder.path()), first, "an export of an import is the same");
    let again = documents(&server, &["import", to, "--json"]).await;
    for record in &again {
        assert_eq!(record["action"], "unchanged", "{record}");
    }
    let broken = folder.path().join("broken.xml");
    std::fs::write(&broken, "<tree>").unwrap();
    let refused = output(&server, &["import", broken.to_str().unwrap()]).await;
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stdout).unwrap();
    assert!(said.starts_with("refused"), "{said}");
    let nothing = output(&server, &["import", "/nowhere"]).await;
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("cannot be read"));
}
