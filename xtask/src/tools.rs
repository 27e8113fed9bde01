//! The programs that building and testing need beside Rust: finds them, installs them where the
//! system's package manager may be used, and otherwise says exactly what is missing and how to
//! get it. Nothing here skips quietly.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// The oldest Node that runs the console's build (Vite's own floor).
const NODE_MIN: (u32, u32) = (20, 19);
/// The oldest PostgreSQL that Kapok supports.
const POSTGRES_MIN: u32 = 15;

/// Fails unless Node and npm are there and new enough.
pub(crate) fn node() -> Result<()> {
    let advice = format!(
        "Node {}.{} or newer and npm are needed for the console. Get them from \
         https://nodejs.org/en/download, or with a version manager such as nvm: `nvm install 22`.",
        NODE_MIN.0, NODE_MIN.1
    );
    if shell::which("node").is_none() {
        bail!("`node` is not on the search path. {advice}");
    }
    if shell::which("npm").is_none() {
        bail!("`npm` is not on the search path. {advice}");
    }
    let version = shell::read(shell::command("node").arg("--version"))?;
    match node_version(&version) {
        Some(found) if found >= NODE_MIN => Ok(()),
        _ => bail!("`node` is {}. {advice}", version.trim()),
    }
}

/// The folder of PostgreSQL's server programs; installs them when it can.
pub(crate) fn postgres() -> Result<PathBuf> {
    let advice = "PostgreSQL 15 or newer (initdb, postgres) is needed for the tests; it runs as a \
                  private cluster in a temporary folder. Install it (Debian, Ubuntu: `apt-get \
                  install postgresql`; Fedora: `dnf install postgresql-server`; macOS: `brew \
                  install postgresql@15`).";
    provide("postgresql", find_postgres, advice)
}

/// The Chromium that the browser tests drive; installs it when it can.
pub(crate) fn chromium() -> Result<PathBuf> {
    let advice = "Chromium or Chrome is needed for the browser tests. Install it (Debian: \
                  `apt-get install chromium`) or set KAPOK_CHROMIUM to its path.";
    provide("chromium", find_chromium, advice)
}

/// The Ruby that the expression tests compare against; installs it when it can.
pub(crate) fn ruby() -> Result<PathBuf> {
    let advice = "Ruby 3.1 or newer is needed for the tests, which compare Kapok's expressions \
                  with it. Install it (Debian, Ubuntu: `apt-get install ruby`).";
    provide("ruby", || shell::which("ruby"), advice)
}

fn provide(package: &str, find: impl Fn() -> Option<PathBuf>, advice: &str) -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let why = match Apt::available() {
        Ok(apt) => {
            apt.install(package)?;
            match find() {
                Some(found) => return Ok(found),
                None => format!("apt-get installed `{package}`, but its programs were not found"),
            }
        }
        Err(why) => why,
    };
    bail!("{advice}\n({why}.)");
}

fn find_postgres() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("KAPOK_PG_BIN") {
        return Some(PathBuf::from(dir));
    }
    let debian = fs::read_dir("/usr/lib/postgresql").ok().and_then(|versions| {
        versions
            .flatten()
            .filter_map(|entry| {
                let version: u32 = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .filter(|(version, bin)| *version >= POSTGRES_MIN && has_postgres(bin))
            .max()
            .map(|(_, bin)| bin)
    });
    debian.or_else(|| {
        let bin = shell::which("initdb")?.parent()?.to_path_buf();
        has_postgres(&bin).then_some(bin)
    })
}

fn has_postgres(bin: &std::path::Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| shell::is_executable(&bin.join(program)))
}

fn find_chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("KAPOK_CHROMIUM") {
        return Some(PathBuf::from(path));
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.into_iter().find_map(shell::which)
}

/// The package manager of Debian and Ubuntu, where we may use it without asking for a password.
struct Apt {
    sudo: bool,
}

impl Apt {
    /// The package manager, or why it cannot be used.
    fn available() -> Result<Apt, String> {
        if std::env::var_os("KAPOK_NO_INSTALL").is_some() {
            return Err("KAPOK_NO_INSTALL is set, so nothing is installed".into());
        }
        if shell::which("apt-get").is_none() {
            return Err("there is no apt-get here to install it with".into());
        }
        if is_root() {
            return Ok(Apt { sudo: false });
        }
        if shell::succeeds(shell::command("sudo").args(["-n", "true"])) {
            return Ok(Apt { sudo: true });
        }
        Err("installing it with apt-get needs root, and sudo asks for a password".into())
    }

    fn install(&self, package: &str) -> Result<()> {
        let fetch = ["install", "-y", "--no-install-recommends", package];
        if shell::run(self.apt_get().args(fetch)).is_ok() {
            return Ok(());
        }
        // A machine without fresh package lists does not know the package, or asks for an old one.
        shell::run(self.apt_get().arg("update"))?;
        shell::run(self.apt_get().args(fetch))
    }

    fn apt_get(&self) -> Command {
        let mut command = if self.sudo {
            let mut command = shell::command("sudo");
            command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
            command
        } else {
            shell::command("apt-get")
        };
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        command
    }
}

fn is_root() -> bool {
    shell::read(shell::command("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_by_number() {
        assert_eq!(node_version("v20.19.0\n"), Some((20, 19)));
        assert!(node_version("v22.1.0").is_some_and(|found| found >= NODE_MIN));
        assert!(node_version("v20.9.0").is_some_and(|found| found < NODE_MIN));
        assert_eq!(node_version("nonsense"), None);
    }
}
