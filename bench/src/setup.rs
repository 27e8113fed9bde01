//! What the benchmark creates on the server, by the public API: a kapp whose submissions call the
//! receiver, and a kapp whose submissions start a tree of two nodes.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::Client;
use crate::load::{MARKER_PREFIX, Target};

/// The kapp whose submissions call the receiver.
const OUTSIDE: &str = "bench-outside";
/// The kapp whose submissions start runs.
const INSIDE: &str = "bench-inside";
/// The workflow source, group and name of the tree.
const TREE: (&str, &str, &str) = ("Bench", "Submissions", "Submitted");
/// The kapp whose submissions call one of many endpoints.
const MANY: &str = "bench-many";
/// How many endpoints those are; those whose number ends in 00 can be made to hang.
pub(crate) const ENDPOINTS: u64 = 10_000;
/// The workflow engine's routes.
const TASK: &str = "/app/components/task/app/api/v2";

/// Where to submit what.
pub(crate) struct Targets {
    /// Calls the receiver.
    pub(crate) outside: Target,
    /// Starts a run of two nodes.
    pub(crate) inside: Target,
    /// Calls one of ten thousand endpoints, by the number of the marker.
    pub(crate) many: Target,
}

/// Creates a kapp for each kind of load.
pub(crate) async fn create(
    server: SocketAddr,
    receiver: SocketAddr,
    details: usize,
) -> Result<Targets> {
    let mut client = Client::connect(server).await?;
    kapp(&mut client, OUTSIDE, &format!("http://{receiver}/hook")).await?;
    tree(&mut client).await?;
    let (source, group, name) = TREE;
    kapp(&mut client, INSIDE, &format!("/app/api/v1/run-tree/{source}/{group}/{name}")).await?;
    let number = format!("Number(values('Marker').slice({})) % {ENDPOINTS}", MARKER_PREFIX.len());
    let (net, host) = (format!("Math.floor({number} / 100)"), format!("{number} % 100 + 1"));
    let port = receiver.port();
    let many = format!("http://127.1.${{{net}}}.${{{host}}}:{port}/hook");
    kapp(&mut client, MANY, &many).await?;
    let target = |kapp| target(server, kapp, details);
    Ok(Targets { outside: target(OUTSIDE), inside: target(INSIDE), many: target(MANY) })
}

/// How many runs of the tree are complete.
pub(crate) async fn complete_runs(client: &mut Client) -> Result<u64> {
    let path = format!("{TASK}/runs?source={}&status=Complete&count=true", TREE.0);
    let answer = client.get(&path).await?;
    Ok(answer.get("count").and_then(Value::as_u64).unwrap_or_default())
}

fn target(address: SocketAddr, kapp: &str, details: usize) -> Target {
    let body = json!({
        "coreState": "Submitted",
        "values": { "Marker": "{marker}", "Details": "x".repeat(details) },
    });
    Target {
        address,
        path: format!("/app/api/v1/kapps/{kapp}/forms/order/submissions").into(),
        template: body.to_string().into(),
    }
}

async fn kapp(client: &mut Client, slug: &str, url: &str) -> Result<()> {
    client.post("/app/api/v1/kapps", &json!({ "name": slug, "slug": slug })).await?;
    let field = |name: &str, key: &str| {
        json!({
            "type": "field", "name": name, "key": key, "label": name, "dataType": "string",
            "renderType": "text", "required": false, "visible": true, "enabled": true,
        })
    };
    let form = json!({
        "name": "Order", "slug": "order", "status": "Active",
        "pages": [{
            "name": "Page 1", "type": "page", "renderType": "submittable",
            "elements": [field("Marker", "f1"), field("Details", "f2")],
        }],
    });
    client.post(&format!("/app/api/v1/kapps/{slug}/forms"), &form).await?;
    let webhook = json!({
        "name": "Submitted", "type": "Submission", "event": "Submitted",
        "filter": "form('slug') == 'order'", "url": url,
    });
    client.post(&format!("/app/api/v1/kapps/{slug}/webhooks"), &webhook).await?;
    Ok(())
}

async fn tree(client: &mut Client) -> Result<()> {
    let (source, group, name) = TREE;
    let source_body = json!({ "name": source, "status": "Active", "type": "Adhoc" });
    client.post(&format!("{TASK}/sources"), &source_body).await?;
    let node = |id: &str, definition: &str, x: i64, parameters: Value, next: Value| {
        json!({
            "id": id, "name": id, "definitionId": definition, "version": 1, "configured": true,
            "defers": false, "deferrable": false, "visible": true,
            "position": { "x": x, "y": 50 }, "messages": [], "parameters": parameters,
            "dependents": next,
        })
    };
    let input = json!([{
        "id": "input", "label": "Input", "menu": "", "required": true, "description": "",
        "dependsOnId": "", "dependsOnValue": "", "value": "<%= @values['Marker'] %>",
    }]);
    let follow = json!({
        "task": [{
            "label": "", "type": "Complete", "value": "", "content": "utilities_echo_v1_1",
        }],
    });
    let tree_json = json!({
        "builderVersion": "", "schemaVersion": "1.0", "version": "", "processOwnerEmail": "",
        "lastId": 1, "name": name, "notes": "",
        "connectors": [{
            "from": "start", "to": "utilities_echo_v1_1", "type": "Complete", "label": "",
            "value": "",
        }],
        "nodes": [
            node("start", "system_start_v1", 50, json!([]), follow),
            node("utilities_echo_v1_1", "utilities_echo_v1", 200, input, json!({})),
        ],
    });
    let body = json!({
        "sourceName": source, "sourceGroup": group, "name": name, "type": "Tree",
        "status": "Active", "treeJson": tree_json,
    });
    client.post(&format!("{TASK}/trees"), &body).await?;
    Ok(())
}
