//! `kapok backup` and `kapok restore`: a copy of the embedded database while it is used, and the
//! way back, after which nothing is sent again before somebody has decided.

use crate::config::{Config, Given};
use crate::{life, output};
use anyhow::{Context, Result, bail};
use runtime::Runtime;
use std::fs::File;
use std::path::{Path, PathBuf};
use store::{Options, Store};

/// Copies the embedded database while the server runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    given: Given,
    /// The copy; there must be no such file yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Puts a copy in the place of the database, and has what the copy remembers wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    given: Given,
    /// The copy; without it the database stays and only waits, such as after pg_restore
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Backup {
    /// Makes the copy.
    ///
    /// # Errors
    /// Whatever is in the way, worded for the person at the terminal.
    pub(crate) fn run(self) -> Result<()> {
        let config = Config::read(self.given)?;
        let Options::Sqlite { path } = &config.database else {
            bail!("kapok backup copies the embedded database; for PostgreSQL use pg_dump");
        };
        if !path.is_file() {
            bail!("there is no database {}: name its folder with --data-dir", path.display());
        }
        if self.to.exists() {
            bail!("{} exists already: name another file", self.to.display());
        }
        // Whoever finds the name finds a whole copy.
        let part = beside(&self.to, "part");
        let _ = std::fs::remove_file(&part);
        let copied = store::backup(path, &part).and_then(|()| store::check(&part));
        if let Err(error) = copied {
            let _ = std::fs::remove_file(&part);
            return Err(error).context("the database could not be copied");
        }
        put(&part, &self.to)?;
        let bytes = std::fs::metadata(&self.to).map_or(0, |found| found.len());
        output::line(&format!("copied to {} ({bytes} bytes)", self.to.display()));
        if config.secret_key.is_none() {
            output::line("keep secret.key of the data folder with it: stored secrets need it");
        }
        Ok(())
    }
}

impl Restore {
    /// Puts the copy in place and marks it.
    ///
    /// # Errors
    /// Whatever is in the way, worded for the person at the terminal.
    pub(crate) fn run(self) -> Result<()> {
        let config = Config::read(self.given)?;
        if let Err(error) = std::net::TcpListener::bind(config.listen) {
            bail!("stop the server first: {} is in use ({error})", config.listen);
        }
        if let Some(from) = &self.from {
            let Options::Sqlite { path } = &config.database else {
                bail!("for PostgreSQL use pg_restore, then kapok restore without --from");
            };
            replace(from, path)?;
        }
        let workers = tokio::runtime::Builder::new_current_thread().enable_all().build();
        workers.context("cannot start")?.block_on(async {
            let store = Store::open(&config.database).await.context("cannot open the database")?;
            let reason = "the database was restored with kapok restore";
            let held = life::hold(&store, &Runtime::system(), reason).await;
            store.close().await;
            held
        })?;
        output::line("What the copy remembers as unfinished waits. Start the server, then decide");
        output::line("in the console or with kapok restored: send or cancel.");
        Ok(())
    }
}

/// Puts a copy of `from` in the place of `path`; what was there is kept under another name.
fn replace(from: &Path, path: &Path) -> Result<()> {
    store::check(from).with_context(|| format!("{} cannot be used", from.display()))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    }
    let part = beside(path, "part");
    std::fs::copy(from, &part)
        .with_context(|| format!("cannot copy {} to {}", from.display(), part.display()))?;
    let kept = (1..).map(|n| beside(path, &format!("before-restore-{n}")));
    let Some(kept) = kept.take(1_000).find(|kept| !kept.exists()) else {
        bail!("there are too many databases from before restores in the data folder");
    };
    // The log belongs to the file that it was written for.
    for suffix in ["", "-wal", "-shm"] {
        let (old, new) = (suffixed(path, suffix), suffixed(&kept, suffix));
        if old.exists() {
            std::fs::rename(&old, &new)
                .with_context(|| format!("cannot move {} aside", old.display()))?;
        }
    }
    put(&part, path)?;
    output::line(&format!("restored {}", path.display()));
    if kept.exists() {
        output::line(&format!("what was there before is {}", kept.display()));
    }
    Ok(())
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn beside(path: &Path, what: &str) -> PathBuf {
    suffixed(path, &format!(".{what}"))
}

/// Gives a file its name once it is on disk.
fn put(part: &Path, to: &Path) -> Result<()> {
    let context = || format!("cannot write {}", to.display());
    File::open(part).and_then(|file| file.sync_all()).with_context(context)?;
    std::fs::rename(part, to).with_context(context)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(context)
}
