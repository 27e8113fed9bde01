//! The life of the database, kept in two places: in the database, and in a file beside it. A copy
//! that is put in the database's place remembers less than the file does. Then everything that the
//! copy remembers as unfinished waits until somebody decides: it may have been done since.

use crate::config::Config;
use anyhow::{Context, Result};
use runtime::Runtime;
use std::path::PathBuf;
use std::sync::Arc;
use store::Store;
use store::lives::{self, Life as Beats};

/// The name of the file.
const FILE: &str = "kapok.life";

/// Lets the life of the database go on; cheap to clone.
#[derive(Clone)]
pub(crate) struct Life {
    store: Store,
    /// The file, and the name for a database that has none; no file where there is no data folder.
    place: Arc<(Option<PathBuf>, String)>,
}

impl Life {
    /// Compares the two places, holds what waits if the database is a copy, and goes on.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub(crate) async fn begin(config: &Config, store: &Store, runtime: &Runtime) -> Result<Self> {
        let file = file(config);
        let life =
            Self { store: store.clone(), place: Arc::new((file, runtime.uuid().to_string())) };
        let outside = life.read();
        let inside = store.read(lives::read).await.context("cannot read the database's life")?;
        let reason = if config.hold_restored {
            Some("the server was started with --hold-restored".to_owned())
        } else {
            let is_alone = matches!(config.database, store::Options::Sqlite { .. });
            verdict(outside.as_ref(), inside.as_ref(), is_alone)
        };
        if let Some(reason) = &reason {
            hold(store, runtime, reason).await?;
        }
        let from = outside.filter(|_| reason.is_some()).map_or(0, |outside| outside.beat);
        life.go_on(from).await.context("cannot write to the database")?;
        Ok(life)
    }

    /// Goes on by one, in the database first.
    pub(crate) async fn beat(&self) {
        if let Err(error) = self.go_on(0).await {
            tracing::warn!(%error, "the database's life could not be noted; it is tried again");
        }
    }

    async fn go_on(&self, from: i64) -> Result<(), store::Error> {
        let name = self.place.1.clone();
        let beats = self.store.write(move |tx| lives::beat(tx, &name, from)).await?;
        if let Some(file) = &self.place.0 {
            let text = format!("{} {}\n", beats.id, beats.beat);
            let fresh = file.with_extension("life.new");
            let written = std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, file));
            if let Err(error) = written {
                // Too low a number in the file only means that a copy may not be noticed.
                tracing::warn!(%error, file = %file.display(), "cannot note the database's life");
            }
        }
        Ok(())
    }

    fn read(&self) -> Option<Beats> {
        let text = std::fs::read_to_string(self.place.0.as_ref()?).ok()?;
        let (id, beat) = text.trim().split_once(' ')?;
        Some(Beats { id: id.to_owned(), beat: beat.parse().ok()? })
    }
}

/// Has everything wait that the database remembers as unfinished.
///
/// # Errors
/// What the database says.
pub(crate) async fn hold(store: &Store, runtime: &Runtime, reason: &str) -> Result<()> {
    let (now, text) = (runtime.now(), reason.to_owned());
    let held = store.write(move |tx| store::restorations::hold(tx, now, &text)).await;
    held.context("cannot hold what a restored database remembers")?;
    tracing::warn!(
        reason,
        "the database was restored: its jobs and runs wait until somebody decides, in the console \
         or with `kapok restored`"
    );
    Ok(())
}

/// Beside the embedded database; in the data folder, if there is one, for PostgreSQL.
fn file(config: &Config) -> Option<PathBuf> {
    match &config.database {
        store::Options::Sqlite { path } => Some(path.with_file_name(FILE)),
        store::Options::Postgres { .. } => {
            config.data_dir.is_dir().then(|| config.data_dir.join(FILE))
        }
    }
}

/// Why the database is taken for a copy. `is_alone`: no other node writes to it, so its file is
/// always there.
fn verdict(outside: Option<&Beats>, inside: Option<&Beats>, is_alone: bool) -> Option<String> {
    let text = match (outside, inside) {
        // A new database, or one of an older version.
        (None, None) => return None,
        // Nodes come and go, and some keep no folder.
        (None, Some(_)) if !is_alone => return None,
        (None, Some(_)) => {
            format!("the database comes from another place: there is no {FILE} beside it")
        }
        (Some(_), None) => "the database is older than the one that was here before".to_owned(),
        (Some(outside), Some(inside)) if outside.id != inside.id => {
            "the database is another one than was here before".to_owned()
        }
        (Some(outside), Some(inside)) if outside.beat > inside.beat => {
            let beats = outside.beat - inside.beat;
            format!("the database is older than it was here before, by {beats} beats")
        }
        (Some(_), Some(_)) => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_by_what_it_does_not_remember() {
        let of = |id: &str, beat: i64| Some(Beats { id: id.to_owned(), beat });
        let check = |outside: Option<Beats>, inside: Option<Beats>, alone: bool, expect: &str| {
            let said = verdict(outside.as_ref(), inside.as_ref(), alone).unwrap_or_default();
            assert!(said.contains(expect) && said.is_empty() == expect.is_empty(), "{said}");
        };
        check(None, None, true, "");
        check(of("a", 5), of("a", 5), true, "");
        // The process died between the two places.
        check(of("a", 5), of("a", 6), true, "");
        check(of("a", 65), of("a", 5), true, "by 60 beats");
        check(of("a", 5), of("b", 9), true, "another one");
        check(of("a", 5), None, true, "older than the one");
        check(None, of("a", 5), true, "no kapok.life");
        check(None, of("a", 5), false, "");
    }
}
