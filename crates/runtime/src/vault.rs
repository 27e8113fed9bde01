//! The vault: secrets sealed before they are stored, opened where they are used.
//!
//! A sealed secret is text: `k1.<key id>.<nonce, ciphertext and tag>`, ChaCha20-Poly1305 with the
//! master key. It is bound to its place (such as `webhook/<id>/auth.password`), so that a row
//! copied elsewhere does not open. The first key seals, every key opens: a master key is replaced
//! by putting the new one first and sealing everything again.
//!
//! What it is not: it stores nothing and knows no record. Whoever keeps a secret keeps the sealed
//! text and hands it in.

use crate::Runtime;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use std::fmt;
use std::sync::Arc;

/// Bytes of a master key.
pub const KEY_BYTES: usize = 32;
/// What a sealed text begins with.
const PREFIX: &str = "k1.";
/// Hexadecimal digits of a key's id.
const ID_CHARS: usize = 8;

/// A secret in clear. It shows itself to nobody by accident: `Debug` prints dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text in clear; for the wire, never for logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••••")
    }
}

/// A master key.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    key: LessSafeKey,
}

impl MasterKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, bytes).expect("32 bytes are its length");
        let sum = digest(&SHA256, &[b"kapok vault key ", &bytes[..]].concat());
        let id = hex(sum.as_ref()).chars().take(ID_CHARS).collect();
        Self { id, key: LessSafeKey::new(unbound) }
    }

    /// Reads a key as people write it: 64 hexadecimal digits, or the base64 of 32 bytes.
    ///
    /// # Errors
    /// [`Error::Key`], which does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let bytes = if text.len() == 2 * KEY_BYTES { unhex(text) } else { unbase64(text) };
        let bytes = bytes.and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
        bytes.map(|bytes| Self::new(&bytes)).ok_or(Error::Key)
    }

    /// Draws a key and returns it with its text.
    pub fn draw(runtime: &Runtime) -> (Self, Secret) {
        let mut bytes = [0_u8; KEY_BYTES];
        runtime.fill(&mut bytes);
        (Self::new(&bytes), Secret::new(hex(&bytes)))
    }

    /// Eight digits by which people tell keys apart; says nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Why a secret cannot be opened, or a key not be read. Nothing secret is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no master key.
    #[error(
        "a secret key must be 32 random bytes as 64 hexadecimal digits or base64; \
         `openssl rand -hex 32` makes one"
    )]
    Key,
    /// There is no key at all.
    #[error("the vault has no key")]
    NoKey,
    /// The text was not sealed by a vault.
    #[error("the stored secret is not a sealed text")]
    Malformed,
    /// It was sealed with a key that is not listed.
    #[error("the stored secret is sealed with the key {id}, which this server does not have")]
    UnknownKey {
        /// The id of that key.
        id: String,
    },
    /// It was altered, or belongs to another place.
    #[error("the stored secret was altered or moved")]
    Damaged,
}

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    runtime: Runtime,
    first: MasterKey,
    older: Arc<[MasterKey]>,
}

impl Vault {
    /// A vault whose first key seals; every key opens.
    ///
    /// # Errors
    /// [`Error::NoKey`] for an empty list.
    pub fn new(runtime: &Runtime, keys: Vec<MasterKey>) -> Result<Self, Error> {
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(Error::NoKey)?;
        Ok(Self { runtime: runtime.clone(), first, older: keys.collect() })
    }

    /// A vault with a key that is kept nowhere: for tests and tools.
    pub fn ephemeral(runtime: &Runtime) -> Self {
        let (first, _) = MasterKey::draw(runtime);
        Self { runtime: runtime.clone(), first, older: Arc::default() }
    }

    /// The id of the key that seals.
    pub fn key_id(&self) -> &str {
        self.first.id()
    }

    /// Seals a secret for a place. The same secret seals to another text each time.
    pub fn seal(&self, place: &str, secret: &str) -> String {
        let mut nonce = [0_u8; NONCE_LEN];
        self.runtime.fill(&mut nonce);
        let mut sealed = secret.as_bytes().to_vec();
        let aad = Aad::from(place.as_bytes());
        let number = Nonce::assume_unique_for_key(nonce);
        let tag = self.first.key.seal_in_place_separate_tag(number, aad, &mut sealed);
        let tag = tag.expect("a secret is far shorter than the cipher's limit of 256 GiB");
        let whole = [&nonce[..], &sealed, tag.as_ref()].concat();
        format!("{PREFIX}{}.{}", self.first.id, URL_SAFE_NO_PAD.encode(whole))
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// `Malformed`, `UnknownKey`, `Damaged`.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Secret, Error> {
        let rest = sealed.strip_prefix(PREFIX).ok_or(Error::Malformed)?;
        let (id, body) = rest.split_once('.').ok_or(Error::Malformed)?;
        let key = std::iter::once(&self.first).chain(self.older.iter()).find(|key| key.id == id);
        let key = key.ok_or_else(|| Error::UnknownKey { id: id.to_owned() })?;
        let mut bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| Error::Malformed)?;
        let (nonce, rest) = bytes.split_first_chunk_mut::<NONCE_LEN>().ok_or(Error::Malformed)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(place.as_bytes());
        let clear = key.key.open_in_place(nonce, aad, rest).map_err(|_| Error::Damaged)?;
        String::from_utf8(clear.to_vec()).map(Secret).map_err(|_| Error::Damaged)
    }

    /// Whether a text was sealed with the key that seals now.
    pub fn is_current(&self, sealed: &str) -> bool {
        let rest = sealed.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(self.key_id()));
        rest.is_some_and(|rest| rest.starts_with('.'))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key", &self.first.id).finish_non_exhaustive()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    digits?.chunks(2).map(pair).collect()
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    engines.iter().find_map(|engine| engine.decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::Micros;

    const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const NEW: &str = "/////////////////////////////////////////wA=";

    fn vault(keys: &[&str]) -> Vault {
        let runtime = Runtime::fake(Micros(0), 1);
        let keys = keys.iter().map(|text| MasterKey::parse(text).unwrap()).collect();
        Vault::new(&runtime, keys).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let vault = vault(&[OLD]);
        let sealed = vault.seal("webhook/1/auth", "hush");
        assert!(!sealed.contains("hush") && sealed.starts_with("k1."));
        assert_ne!(sealed, vault.seal("webhook/1/auth", "hush"), "a nonce is never used twice");
        assert_eq!(vault.open("webhook/1/auth", &sealed), Ok(Secret::new("hush")));
        assert_eq!(vault.open("webhook/2/auth", &sealed), Err(Error::Damaged));
        let (head, last) = sealed.split_at(sealed.len() - 1);
        let flipped = format!("{head}{}", if last == "A" { "Q" } else { "A" });
        assert!(vault.open("webhook/1/auth", &flipped).is_err());
        for bad in ["", "hush", "k1.", "k1.x", &sealed[..20]] {
            assert!(vault.open("webhook/1/auth", bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", Secret::new("hush")), "••••••");
    }

    #[test]
    fn a_master_key_is_replaced_by_listing_the_old_one_after_it() {
        let old = vault(&[OLD]);
        let sealed = old.seal("p", "hush");
        let both = vault(&[NEW, OLD]);
        assert_eq!(both.open("p", &sealed), Ok(Secret::new("hush")));
        assert!(!both.is_current(&sealed));
        let again = both.seal("p", "hush");
        assert!(both.is_current(&again));
        let new = vault(&[NEW]);
        assert_eq!(new.open("p", &again), Ok(Secret::new("hush")));
        let id = old.key_id().to_owned();
        assert_eq!(new.open("p", &sealed), Err(Error::UnknownKey { id }));
    }

    #[test]
    fn keys_are_read_strictly() {
        for good in [OLD, &OLD.to_uppercase(), NEW, NEW.trim_end_matches('=')] {
            assert!(MasterKey::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "secret", &OLD[..62], &format!("{OLD}00"), &"g".repeat(64)] {
            assert_eq!(MasterKey::parse(bad).err(), Some(Error::Key), "{bad}");
        }
    }
}
