//! `cargo xtask setup`: installs everything that building and testing need, and reports on each.

use anyhow::{Result, bail};

use crate::{console, project, tools};

/// Provides every tool; fails with the full list of what is missing.
pub(crate) fn run() -> Result<()> {
    let mut missing = Vec::new();
    let mut report = |what: &str, found: Result<String>| match found {
        Ok(place) => println!("{what:12} {place}"),
        Err(error) => missing.push(format!("{error:#}")),
    };
    let show = |path: std::path::PathBuf| path.display().to_string();
    report("node, npm", tools::node().map(|()| "ready".into()));
    report("PostgreSQL", tools::postgres().map(show));
    report("Chromium", tools::chromium().map(show));
    report("Ruby", tools::ruby().map(show));
    for folder in ["console", "e2e", "e2e/compat"] {
        if project::root().join(folder).join("package.json").exists() {
            report(folder, console::packages(folder).map(|()| "npm packages installed".into()));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("something is missing:\n\n{}", missing.join("\n\n"))
}
