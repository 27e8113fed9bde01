//! `cargo xtask openapi`: writes the API's description and the console's client types from what
//! the server says about itself, or checks that the committed files are current.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{console, project, shell};

const DESCRIPTION: &str = "docs/openapi.json";
const CLIENT: &str = "console/src/api/schema.d.ts";

/// Writes docs/openapi.json and the console's client types.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Changes nothing; fails when a committed file differs from what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes or checks both generated files.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.check { check() } else { write() }
}

/// Fails when a committed file differs from what the server says today.
pub(crate) fn check() -> Result<()> {
    let root = project::root();
    let fresh = project::target().join("openapi");
    fs::create_dir_all(&fresh)?;
    let description = fresh.join("openapi.json");
    let client = fresh.join("schema.d.ts");
    fs::write(&description, describe()?)?;
    generate(&description, &client)?;
    for (committed, fresh) in [(DESCRIPTION, &description), (CLIENT, &client)] {
        if fs::read(root.join(committed)).ok() != fs::read(fresh).ok() {
            bail!("{committed} is out of date: run `cargo xtask openapi` and commit the result");
        }
    }
    println!("openapi: {DESCRIPTION} and {CLIENT} are current");
    Ok(())
}

fn write() -> Result<()> {
    let root = project::root();
    fs::create_dir_all(root.join("docs"))?;
    fs::write(root.join(DESCRIPTION), describe()?)?;
    generate(&root.join(DESCRIPTION), &root.join(CLIENT))?;
    println!("openapi: wrote {DESCRIPTION} and {CLIENT}");
    Ok(())
}

/// What the server says about its API, pretty-printed with a final line end.
fn describe() -> Result<String> {
    shell::run(shell::cargo().args(["build", "-p", "server"]))?;
    let text = shell::read(shell::command(project::binary("debug", "kapok")).arg("openapi"))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).context("`kapok openapi` did not print JSON")?;
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn generate(description: &Path, client: &Path) -> Result<()> {
    console::packages("console")?;
    let program = project::root().join("console/node_modules/.bin/openapi-typescript");
    shell::run(shell::command(program).arg(description).arg("--output").arg(client))
}
