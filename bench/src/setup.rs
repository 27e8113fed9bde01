//! What the benchmark creates on the server, by the public API: a signing key, a webhook of new
//! teams, a kapp whose submissions call the receiver, and one for each tree that submissions start.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::json;

use crate::client::Client;
use crate::load::{MARKER_PREFIX, Target};
use crate::trees::{self, Tree};

/// The kapp whose submissions call the receiver.
const OUTSIDE: &str = "bench-outside";
/// What the names of kapps begin with whose submissions start runs.
const INSIDE: &str = "bench-inside";
/// The kapp whose submissions call one of many endpoints.
const MANY: &str = "bench-many";
/// How many endpoints those are; those whose number ends in 00 can be made to hang.
pub(crate) const ENDPOINTS: u64 = 10_000;

/// Where to submit what.
pub(crate) struct Targets {
    /// One change that is one event: a team whose description is the text of a submission.
    pub(crate) single: Target,
    /// Calls the receiver.
    pub(crate) outside: Target,
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
    client.post("/app/api/v1/signing-keys", &json!({ "kind": "v1" })).await?;
    let webhook = json!({
        "name": "Team created", "type": "Team", "event": "Created",
        "filter": "team('name') != 'Administrators'", "url": format!("http://{receiver}/hook"),
    });
    client.post("/app/api/v1/webhooks", &webhook).await?;
    kapp(&mut client, OUTSIDE, &format!("http://{receiver}/hook")).await?;
    trees::create(&mut client).await?;
    for tree in trees::ALL {
        kapp(&mut client, &kapp_of(tree), &tree.url()).await?;
    }
    let number = format!("Number(values('Marker').slice({})) % {ENDPOINTS}", MARKER_PREFIX.len());
    let (net, host) = (format!("Math.floor({number} / 100)"), format!("{number} % 100 + 1"));
    let port = receiver.port();
    let many = format!("http://127.1.${{{net}}}.${{{host}}}:{port}/hook");
    kapp(&mut client, MANY, &many).await?;
    let team = json!({ "name": "{marker}", "description": "x".repeat(details) });
    let single = Target {
        address: server,
        path: "/app/api/v1/teams".into(),
        template: team.to_string().into(),
    };
    let target = |kapp| target(server, kapp, details);
    Ok(Targets { single, outside: target(OUTSIDE), many: target(MANY) })
}

/// Where to submit so that a run of a tree starts.
pub(crate) fn inside(server: SocketAddr, tree: &Tree, details: usize) -> Target {
    target(server, &kapp_of(tree), details)
}

fn kapp_of(tree: &Tree) -> String {
    format!("{INSIDE}-{}", tree.name.to_lowercase())
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
