//! Builds the web console. The build is repeated only when its sources changed: a stamp in
//! `console/dist` holds the hash of the sources it was built from.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{project, shell, tools};

/// Installs the npm packages of a folder, unless its lock file is the one they came from.
pub(crate) fn packages(folder: &str) -> Result<()> {
    tools::node()?;
    let dir = project::root().join(folder);
    let lock = fs::read(dir.join("package-lock.json"))
        .with_context(|| format!("cannot read {folder}/package-lock.json"))?;
    let wanted = hex(&Sha256::digest(&lock));
    let stamp = dir.join("node_modules/.kapok-lock");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let install = ["ci", "--no-audit", "--no-fund"];
    shell::run(shell::command("npm").current_dir(&dir).args(install))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Builds the console when its sources differ from those of the last build.
pub(crate) fn build() -> Result<()> {
    packages("console")?;
    let dir = project::root().join("console");
    let wanted = sources_hash(&dir)?;
    let stamp = dir.join("dist/.sources");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        println!("console: up to date");
        return Ok(());
    }
    shell::run(shell::command("npm").current_dir(&dir).args(["run", "build"]))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Runs an npm script of a folder.
pub(crate) fn script(folder: &str, script: &str) -> std::process::Command {
    let mut command = shell::command("npm");
    command.current_dir(project::root().join(folder)).args(["run", script]);
    command
}

/// The hash of every file that the build reads: names and contents, in the order of names.
fn sources_hash(dir: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(dir).unwrap_or(&file).to_string_lossy().into_owned();
        let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    Ok(hex(&hash.finalize()))
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_follows_names_and_contents_but_not_build_output() {
        let dir = std::env::temp_dir().join(format!("kapok-xtask-{}", std::process::id()));
        fs::create_dir_all(dir.join("src")).unwrap();
        fs::create_dir_all(dir.join("dist")).unwrap();
        fs::write(dir.join("src/a.ts"), "one").unwrap();
        let first = sources_hash(&dir).unwrap();
        fs::write(dir.join("dist/index.html"), "built").unwrap();
        assert_eq!(sources_hash(&dir).unwrap(), first);
        fs::rename(dir.join("src/a.ts"), dir.join("src/b.ts")).unwrap();
        let second = sources_hash(&dir).unwrap();
        fs::write(dir.join("src/b.ts"), "two").unwrap();
        let third = sources_hash(&dir).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert_ne!(first, second);
        assert_ne!(second, third);
    }
}
