//! `cargo xtask build`: a release of the server with the console inside.

use anyhow::Result;

use crate::{console, project, shell};

/// Builds the console and a release of the server, and prints where the binary is.
pub(crate) fn run() -> Result<()> {
    console::build()?;
    shell::run(shell::cargo().args(["build", "--release", "-p", "server"]))?;
    println!("built {}", project::binary("release", "kapok").display());
    Ok(())
}
