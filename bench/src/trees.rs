//! The trees whose runs are measured.

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::Client;

/// The workflow engine's routes.
pub(crate) const TASK: &str = "/app/components/task/app/api";
/// The workflow source of all trees.
const SOURCE: &str = "Bench";
/// Their group.
const GROUP: &str = "Submissions";

/// Nodes of the chain.
pub(crate) const CHAIN_NODES: usize = 40;
/// Iterations of the loop.
pub(crate) const LOOP_ITEMS: usize = 1_000;

/// A tree that the benchmark starts runs of.
pub(crate) struct Tree {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its nodes besides the start, each with its handler and parameters.
    nodes: fn() -> Vec<Node>,
    /// Its connectors.
    connectors: fn() -> Vec<(String, String)>,
}

struct Node {
    id: String,
    handler: &'static str,
    parameters: Vec<(&'static str, String)>,
}

/// Two pure nodes.
pub(crate) const TWO: Tree = Tree {
    name: "Two",
    nodes: || vec![echo("n1", "<%= @values['Marker'] %>")],
    connectors: || row(&["start", "n1"]),
};

/// Forty pure nodes; each looks at what the one before it left.
pub(crate) const CHAIN: Tree = Tree {
    name: "Chain",
    nodes: || {
        let later = |number: usize| {
            let before = format!("<%= @results['n{}']['output'] %>", number - 1);
            echo(&format!("n{number}"), &before)
        };
        let first = echo("n1", "<%= @values['Marker'] %>");
        std::iter::once(first).chain((2..CHAIN_NODES).map(later)).collect()
    },
    connectors: || {
        let names: Vec<String> = (1..CHAIN_NODES).map(|number| format!("n{number}")).collect();
        let names: Vec<&str> =
            std::iter::once("start").chain(names.iter().map(String::as_str)).collect();
        row(&names)
    },
};

/// A node that waits for its completion by token, and one after it.
pub(crate) const DEFERRAL: Tree = Tree {
    name: "Deferral",
    nodes: || {
        let wait = Node {
            id: "n1".into(),
            handler: "utilities_defer_v1",
            parameters: vec![("deferral_value", "<%= @values['Marker'] %>".into())],
        };
        vec![wait, echo("n2", "<%= @results['n1']['Decision'] %>")]
    },
    connectors: || row(&["start", "n1", "n2"]),
};

/// A loop of a thousand iterations with one node each.
pub(crate) const LOOP: Tree = Tree {
    name: "Loop",
    nodes: || {
        let items: Vec<usize> = (0..LOOP_ITEMS).collect();
        let head = Node {
            id: "system_loop_head_v1_1".into(),
            handler: "system_loop_head_v1",
            parameters: vec![
                ("data_source", json!(items).to_string()),
                ("loop_path", "$[*]".into()),
            ],
        };
        let tail = Node {
            id: "system_loop_tail_v1_3".into(),
            handler: "system_loop_tail_v1",
            parameters: vec![("type", "All".into())],
        };
        let body = echo("utilities_echo_v1_2", "<%= @results['system_loop_head_v1_1']['Value'] %>");
        vec![echo("n1", "<%= @values['Marker'] %>"), head, body, tail]
    },
    connectors: || {
        let (head, tail) = ("system_loop_head_v1_1", "system_loop_tail_v1_3");
        let mut all = row(&["start", "n1", head, "utilities_echo_v1_2", tail]);
        all.extend(row(&[head, tail]));
        all
    },
};

/// A wait of a day.
pub(crate) const TIMER: Tree = Tree {
    name: "Timer",
    nodes: || {
        let wait = Node {
            id: "n1".into(),
            handler: "system_wait_v1",
            parameters: vec![("Time to wait", "1".into()), ("Time unit", "Day".into())],
        };
        vec![wait, echo("n2", "<%= @values['Marker'] %>")]
    },
    connectors: || row(&["start", "n1", "n2"]),
};

/// All of them.
pub(crate) const ALL: &[&Tree] = &[&TWO, &CHAIN, &DEFERRAL, &LOOP, &TIMER];

fn echo(id: &str, input: &str) -> Node {
    let parameters = vec![("input", input.to_owned())];
    Node { id: id.into(), handler: "utilities_echo_v1", parameters }
}

/// Connectors from each node to the next.
fn row(names: &[&str]) -> Vec<(String, String)> {
    let pairs = names.iter().zip(names.iter().skip(1));
    pairs.map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

impl Tree {
    /// The address of webhooks that start it.
    pub(crate) fn url(&self) -> String {
        format!("/app/api/v1/run-tree/{SOURCE}/{GROUP}/{}", self.name)
    }

    /// The route that starts a run of it.
    pub(crate) fn start(&self) -> String {
        format!("{TASK}/v1/run-tree/{SOURCE}/{GROUP}/{}", self.name)
    }

    /// How many runs of it are complete.
    pub(crate) async fn complete(&self, client: &mut Client) -> Result<u64> {
        self.count(client, "Complete").await
    }

    /// How many runs of it wait.
    pub(crate) async fn waiting(&self, client: &mut Client) -> Result<u64> {
        self.count(client, "Waiting").await
    }

    async fn count(&self, client: &mut Client, status: &str) -> Result<u64> {
        let filter = format!("source={SOURCE}&tree={}&status={status}&count=true", self.name);
        let answer = client.get(&format!("{TASK}/v2/runs?{filter}")).await?;
        Ok(answer.get("count").and_then(Value::as_u64).unwrap_or_default())
    }

    fn json(&self) -> Value {
        let defers = |node: &Node| node.handler == "utilities_defer_v1";
        let document = |(at, node): (usize, &Node)| {
            let parameter = |(id, value): &(&str, String)| {
                json!({
                    "id": id, "label": id, "menu": "", "required": true, "description": "",
                    "dependsOnId": "", "dependsOnValue": "", "value": value,
                })
            };
            let parameters: Vec<Value> = node.parameters.iter().map(parameter).collect();
            json!({
                "id": node.id, "name": node.id, "definitionId": node.handler, "version": 1,
                "configured": true, "defers": defers(node), "deferrable": defers(node),
                "visible": true, "position": { "x": 200 * (at + 1), "y": 50 }, "messages": [],
                "parameters": parameters, "dependents": {},
            })
        };
        let start = Node { id: "start".into(), handler: "system_start_v1", parameters: Vec::new() };
        let nodes: Vec<Node> = std::iter::once(start).chain((self.nodes)()).collect();
        let connector = |(from, to): (String, String)| {
            let kind = "Complete";
            json!({ "from": from, "to": to, "type": kind, "label": "", "value": "" })
        };
        json!({
            "builderVersion": "", "schemaVersion": "1.0", "version": "", "processOwnerEmail": "",
            "lastId": nodes.len(), "name": self.name, "notes": "",
            "connectors": (self.connectors)().into_iter().map(connector).collect::<Vec<_>>(),
            "nodes": nodes.iter().enumerate().map(document).collect::<Vec<_>>(),
        })
    }
}

/// Creates all trees.
pub(crate) async fn create(client: &mut Client) -> Result<()> {
    let source = json!({ "name": SOURCE, "status": "Active", "type": "Adhoc" });
    client.post(&format!("{TASK}/v2/sources"), &source).await?;
    for tree in ALL {
        let body = json!({
            "sourceName": SOURCE, "sourceGroup": GROUP, "name": tree.name, "type": "Tree",
            "status": "Active", "treeJson": tree.json(),
        });
        client.post(&format!("{TASK}/v2/trees"), &body).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_has_forty_nodes_in_a_row() {
        let tree = CHAIN.json();
        assert_eq!(tree["nodes"].as_array().map(Vec::len), Some(CHAIN_NODES));
        assert_eq!(tree["connectors"].as_array().map(Vec::len), Some(CHAIN_NODES - 1));
    }
}
