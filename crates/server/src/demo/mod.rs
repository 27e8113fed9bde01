//! The demo: a small believable company, loaded into an empty database by `kapok serve --demo`.
//!
//! Its records are files in `crates/server/demo/`, in the wire format of the API: `company.json`
//! names the others. They pass through the same use cases as any request, in an order in which
//! the later ones fire the webhooks of the earlier ones, so that the first look at the console
//! shows events, jobs and runs that really happened.

mod company;
pub(crate) mod receiver;

use anyhow::{Context, Result};
use company::Company;
use model::people::User;
use platform::Actor;
use std::net::SocketAddr;

/// How often the loader looks for the approvals that the engine is about to create.
const LOOKS_MAX: u32 = 100;
/// Milliseconds between two looks.
const LOOK_MS: i64 = 50;

/// Fills the space of a first start with the demo company; `receiver` answers its webhooks.
///
/// # Errors
/// When the company's files do not fit the platform, which a test would have found.
pub(crate) async fn load(app: &api::App, administrator: &User, receiver: SocketAddr) -> Result<()> {
    let company = Company::read(receiver)?;
    let actor = || Actor::user(administrator, app.platform.outside());
    company.build(app, &actor).await?;
    company.work(app, &actor).await?;
    let (app, administrator) = (app.clone(), administrator.clone());
    app.runtime.clone().spawn(async move {
        if let Err(error) = decide(&app, &administrator, &company).await {
            tracing::warn!(error = format!("{error:#}"), "the demo's decisions were not taken");
        }
    });
    Ok(())
}

/// Tells the demo company of an earlier start where the receiver listens this time.
///
/// # Errors
/// When its webhooks cannot be changed.
pub(crate) async fn reconnect(app: &api::App, receiver: SocketAddr) -> Result<()> {
    let company = Company::read(receiver)?;
    let space = app.platform.space_by_slug(&app.settings.space).await?.context("no space")?;
    let actor = Actor::system(space.id.clone(), app.platform.outside());
    company.reconnect(app, &actor).await
}

/// Takes the company's decisions, once its workflows have asked for them.
async fn decide(app: &api::App, administrator: &User, company: &Company) -> Result<()> {
    for decision in company.decisions() {
        for _ in 0..LOOKS_MAX {
            let actor = Actor::user(administrator, app.platform.outside());
            let taken = company.decide(app, &actor, decision).await;
            if taken.context("the approval cannot be decided")? {
                break;
            }
            app.runtime.sleep_ms(LOOK_MS).await;
        }
    }
    Ok(())
}
