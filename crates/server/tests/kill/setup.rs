//! What the server is told before the load begins: a form, a tree, and two webhooks.

use serde_json::{Value, json};

use crate::client::{Client, TASK};

/// Id, definition, parameters.
type Node = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The tree: it writes down what came in, waits for a timer, creates a submission of another form,
/// and, for every run whose number ends in 7, waits for somebody who never comes.
const NODES: [Node; 5] = [
    ("start", "system_start_v1", &[]),
    ("utilities_echo_v1_1", "utilities_echo_v1", &[("input", "<%= @values['Summary'] %>")]),
    ("system_wait_v1_2", "system_wait_v1", &[("Time to wait", "1"), ("Time unit", "Second")]),
    (
        "system_submission_create_v1_3",
        "system_submission_create_v1",
        &[("kappSlug", "kill"), ("formSlug", "log"), ("values.Run", "<%= @run['Id'] %>")],
    ),
    ("utilities_defer_v1_4", "utilities_defer_v1", &[("deferral_value", "for ever")]),
];
const EDGES: [(usize, usize, &str); 4] =
    [(0, 1, ""), (1, 2, ""), (2, 3, ""), (3, 4, "@run['Id'].to_s.end_with?('7')")];

/// The nodes that every run passes, the one it may wait at excepted.
pub(crate) const ALWAYS: usize = 4;

/// Creates everything; `hook` is where the outside webhook goes.
pub(crate) async fn prepare(client: &Client, hook: &str) {
    prepare_with(client, &[("Outside", hook)]).await;
}

/// Creates everything, with outside webhooks of these names and addresses.
pub(crate) async fn prepare_with(client: &Client, hooks: &[(&str, &str)]) {
    client.post("/app/api/v1/kapps", json!({ "name": "Kill", "slug": "kill" })).await;
    for (slug, field) in [("ticket", "Summary"), ("log", "Run")] {
        let element = json!({ "type": "field", "name": field, "dataType": "string" });
        let page = json!({ "name": "Page 1", "type": "page", "elements": [element] });
        let form = json!({ "name": slug, "slug": slug, "status": "Active", "pages": [page] });
        client.post("/app/api/v1/kapps/kill/forms", form).await;
    }
    let tree = json!({
        "sourceName": "Kinetic Request CE", "sourceGroup": "Submissions > kill",
        "name": "Submitted", "type": "Tree", "status": "Active", "treeJson": tree(),
    });
    client.post(&format!("{TASK}/trees"), tree).await;
    let inside = "/app/api/v1/run-tree/Kinetic%20Request%20CE/Submissions%20%3E%20kill/Submitted";
    for (name, url) in [("Inside", inside)].iter().chain(hooks) {
        let webhook = json!({
            "name": name, "type": "Submission", "event": "Submitted", "url": url,
            "filter": "form('slug') == 'ticket'",
        });
        client.post("/app/api/v1/kapps/kill/webhooks", webhook).await;
    }
}

fn tree() -> Value {
    let node = |(id, definition, parameters): &Node| {
        let parameters: Vec<Value> =
            parameters.iter().map(|(id, value)| json!({ "id": id, "value": value })).collect();
        let defers = definition.contains("defer") || definition.contains("wait");
        json!({
            "id": id, "name": id, "definitionId": definition, "version": "1", "configured": true,
            "defers": defers, "deferrable": definition != &"system_start_v1", "visible": true,
            "position": { "x": 0, "y": 0 }, "messages": [], "parameters": parameters,
            "dependents": "",
        })
    };
    let edge = |(from, to, value): &(usize, usize, &str)| {
        let (from, to) = (NODES[*from].0, NODES[*to].0);
        json!({ "from": from, "to": to, "type": "Complete", "label": "", "value": value })
    };
    json!({
        "builderVersion": "", "schemaVersion": "1.0", "version": "", "lastId": 4,
        "name": "Submitted", "notes": "", "processOwnerEmail": "",
        "connectors": EDGES.iter().map(edge).collect::<Vec<_>>(),
        "nodes": NODES.iter().map(node).collect::<Vec<_>>(),
    })
}
