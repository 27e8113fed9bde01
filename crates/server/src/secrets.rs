//! The master key of stored secrets: given, or in a file of the data folder that only the server's
//! user may read; recognised by a proof in the database, so that a node with another key does not
//! start and write what the others cannot read.

use crate::config::Config;
use anyhow::{Context, Result, bail};
use runtime::Runtime;
use runtime::vault::{Error as VaultError, MasterKey, Secret, Vault};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use store::Store;

/// The name of the key file in the data folder.
pub(crate) const FILE: &str = "secret.key";
/// What the proof is sealed for.
const PLACE: &str = "vault/proof";
/// What the proof says.
const PROOF: &str = "kapok";

/// Opens the vault of a database, making a key at the first start.
///
/// # Errors
/// A key that is missing, malformed, readable by others or not the database's; each says what to
/// do.
pub(crate) async fn open(config: &Config, store: &Store, runtime: &Runtime) -> Result<Vault> {
    let path = config.data_dir.join(FILE);
    let given = given(config, &path)?;
    let proof = store.read(store::vault::proof).await.context("cannot read the vault's proof")?;
    let keys = match (given, &proof) {
        (Some(keys), _) => keys,
        (None, Some(_)) if !config.forget_secrets => bail!(missing(&path)),
        (None, _) => vec![make(config, &path, runtime)?],
    };
    let vault = Vault::new(runtime, keys)?;
    let proof = match proof {
        Some(proof) => proof,
        None => {
            let (sealed, now) = (vault.seal(PLACE, PROOF), runtime.now());
            let claim = move |tx: &mut store::Tx| {
                store::vault::claim(tx, &sealed, now)?;
                Ok::<_, store::Error>(store::vault::proof(tx)?.unwrap_or_default())
            };
            store.write(claim).await.context("cannot store the vault's proof")?
        }
    };
    let is_ours = match vault.open(PLACE, &proof) {
        Ok(_) => vault.is_current(&proof),
        Err(error) if config.forget_secrets => {
            tracing::warn!(%error, "stored secrets are given up; set them anew");
            false
        }
        Err(error) => bail!(wrong(&error, &vault)),
    };
    if !is_ours {
        let (sealed, now) = (vault.seal(PLACE, PROOF), runtime.now());
        let replaced = store.write(move |tx| store::vault::replace(tx, &sealed, now)).await;
        replaced.context("cannot store the vault's proof")?;
    }
    Ok(vault)
}

/// The keys that were given, or those in the file; `None` when there are none.
fn given(config: &Config, path: &Path) -> Result<Option<Vec<MasterKey>>> {
    if let Some(text) = &config.secret_key {
        let keys = parse(text.expose()).context("secret_key (KAPOK_SECRET_KEY)")?;
        return Ok(Some(keys));
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let mode = std::fs::metadata(path).map(|meta| meta.permissions().mode() & 0o777);
    let mode = mode.with_context(|| format!("cannot look at {}", path.display()))?;
    if mode & 0o077 != 0 {
        bail!(
            "{} holds the secret key and may be read by its owner only, but its mode is {mode:o}. \
             Run: chmod 600 {}",
            path.display(),
            path.display()
        );
    }
    parse(&text).map(Some).with_context(|| path.display().to_string())
}

/// Keys separated by commas or lines; the first one seals.
fn parse(text: &str) -> Result<Vec<MasterKey>> {
    let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let keys = parts.map(MasterKey::parse).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        bail!(VaultError::Key);
    }
    Ok(keys)
}

/// Makes a key and its file.
fn make(config: &Config, path: &Path, runtime: &Runtime) -> Result<MasterKey> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot make the data folder {}", config.data_dir.display()))?;
    let (key, text) = MasterKey::draw(runtime);
    write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    if matches!(config.database, store::Options::Postgres { .. }) {
        tracing::warn!(
            file = %path.display(),
            "made a secret key for this database; give it to every other node as KAPOK_SECRET_KEY \
             and keep a copy: without it stored secrets are lost"
        );
    } else {
        tracing::info!(file = %path.display(), "made a secret key; back it up with the database");
    }
    Ok(key)
}

/// Writes a file that nobody else may read, whole or not at all.
fn write(path: &Path, text: &Secret) -> std::io::Result<()> {
    let beside: PathBuf = path.with_extension("key.new");
    let _ = std::fs::remove_file(&beside);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

fn missing(path: &Path) -> String {
    format!(
        "the secrets in this database are sealed, and this node has no key for them. Set \
         KAPOK_SECRET_KEY to the key of the other nodes, or copy their {FILE} to {} (mode 600). \
         If the key is lost for good, start once with --forget-secrets and set every password, \
         token and signing key anew",
        path.display()
    )
}

fn wrong(error: &VaultError, vault: &Vault) -> String {
    format!(
        "{error}; it has the key {}. Give the right key as KAPOK_SECRET_KEY, or while replacing it \
         both, the new one first: KAPOK_SECRET_KEY=new,old. If the key is lost for good, start \
         once with --forget-secrets and set every password, token and signing key anew",
        vault.key_id()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Given;

    const A: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const B: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    async fn opened(
        folder: &Path,
        store: &Store,
        key: Option<&str>,
        forget_secrets: bool,
    ) -> Result<Vault, String> {
        let given = Given {
            data_dir: Some(folder.to_owned()),
            secret_key: key.map(str::to_owned),
            forget_secrets,
            ..Given::default()
        };
        let config = Config::read(given).unwrap();
        open(&config, store, &Runtime::system()).await.map_err(|error| format!("{error:#}"))
    }

    #[tokio::test]
    async fn the_first_start_makes_a_file_and_later_ones_need_its_key() {
        for store in testkit::both().await {
            let folder = tempfile::tempdir().unwrap();
            let (first, other) = (folder.path().join("a"), folder.path().join("b"));
            let made = opened(&first, &store, None, false).await.unwrap();
            let file = first.join(FILE);
            let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            let again = opened(&first, &store, None, false).await.unwrap();
            assert_eq!(again.key_id(), made.key_id());
            let refused = opened(&other, &store, None, false).await.unwrap_err();
            assert!(refused.contains("KAPOK_SECRET_KEY"), "{refused}");
            assert!(!other.join(FILE).exists(), "no second key is made");
            let refused = opened(&other, &store, Some(A), false).await.unwrap_err();
            assert!(refused.contains(made.key_id()) && refused.contains("new,old"), "{refused}");
            let key = std::fs::read_to_string(&file).unwrap();
            opened(&other, &store, Some(&key), false).await.unwrap();
            // The new key is put first; from then on it is enough.
            opened(&other, &store, Some(&format!("{A},{key}")), false).await.unwrap();
            opened(&other, &store, Some(A), false).await.unwrap();
            assert!(opened(&other, &store, Some(&key), false).await.is_err());
            opened(&other, &store, Some(B), true).await.unwrap();
            opened(&other, &store, Some(B), false).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_file_that_others_may_read_is_refused() {
        let store = testkit::sqlite().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), A).unwrap();
        let path = folder.path().join(FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = opened(folder.path(), &store, None, false).await.unwrap_err();
        assert!(refused.contains("chmod 600"), "{refused}");
        let refused = opened(folder.path(), &store, Some("hush"), false).await.unwrap_err();
        assert!(refused.contains("KAPOK_SECRET_KEY") && !refused.contains("hush"), "{refused}");
    }
}
