//! Signatures by which receivers recognise deliveries: Standard Webhooks, `v1` (HMAC-SHA256) and
//! `v1a` (ed25519).
//!
//! What is signed is `<webhook-id>.<webhook-timestamp>.<body>`. Every key that signs adds one
//! signature, so that a receiver which knows either the old or the new key accepts during a
//! change-over. Keys are parsed once, when webhooks are compiled; signing reads no database.

mod check;
mod keys;

pub use check::{Checked, SignatureCheck};
pub(crate) use keys::place;
pub use keys::{KeyAction, NewKey};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::signing::{Kind, SigningKey, State};
use model::time::Micros;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use runtime::vault::{Secret, Vault};

/// What the secret of a `v1` key begins with.
const SECRET_PREFIX: &str = "whsec_";
/// What the private key of a `v1a` key begins with.
const PRIVATE_PREFIX: &str = "whsk_";
/// What a public key begins with.
const PUBLIC_PREFIX: &str = "whpk_";
/// Seconds by which a signature's time may differ from ours, as the standard's libraries have it.
const TOLERANCE_SECONDS: i64 = 5 * 60;
/// Bytes of a symmetric secret and of an ed25519 seed.
const SECRET_BYTES: usize = 32;

/// Which schemes a webhook wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schemes {
    pub(crate) v1: bool,
    pub(crate) v1a: bool,
}

impl Schemes {
    /// Every scheme the space has keys for.
    pub(crate) const ALL: Self = Self { v1: true, v1a: true };

    fn wants(self, kind: Kind) -> bool {
        match kind {
            Kind::V1 => self.v1,
            Kind::V1a => self.v1a,
        }
    }
}

/// A key ready to sign.
struct Signing {
    state: State,
    until: Option<Micros>,
    tool: Tool,
}

enum Tool {
    V1(hmac::Key),
    V1a(Box<Ed25519KeyPair>),
}

impl Tool {
    /// Reads a secret as it was sealed; `None` when it is not one.
    fn read(kind: Kind, secret: &Secret) -> Option<Self> {
        match kind {
            Kind::V1 => {
                let bytes = STANDARD.decode(secret.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
                Some(Self::V1(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
            }
            Kind::V1a => {
                let seed = STANDARD.decode(secret.expose().strip_prefix(PRIVATE_PREFIX)?).ok()?;
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
                Some(Self::V1a(Box::new(pair)))
            }
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::V1(_) => Kind::V1,
            Self::V1a(_) => Kind::V1a,
        }
    }

    /// The signature as it stands in the header, without its scheme.
    fn sign(&self, signed: &Signed<'_>) -> String {
        match self {
            Self::V1(key) => {
                let mut context = hmac::Context::with_key(key);
                for part in signed.parts() {
                    context.update(part);
                }
                STANDARD.encode(context.sign())
            }
            Self::V1a(pair) => STANDARD.encode(pair.sign(&signed.parts().concat())),
        }
    }
}

/// What a signature covers.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) id: &'a str,
    /// Seconds since 1970, as in the header.
    pub(crate) timestamp: &'a str,
    pub(crate) body: &'a [u8],
}

impl Signed<'_> {
    fn parts(&self) -> [&[u8]; 5] {
        [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", self.body]
    }
}

/// The keys of a space, ready to sign.
#[derive(Default)]
pub(crate) struct Signer {
    keys: Vec<Signing>,
    /// Why a key that should sign cannot; deliveries fail rather than go out unsigned.
    broken: Option<String>,
}

impl Signer {
    /// Opens the keys of a space.
    pub(crate) fn new(vault: &Vault, keys: Vec<SigningKey>) -> Self {
        let mut signer = Self::default();
        for key in keys.into_iter().filter(|key| key.state != State::Revoked) {
            let opened = vault.open(&keys::place(&key.id), &key.sealed);
            let tool = opened.map(|secret| Tool::read(key.kind, &secret));
            match tool {
                Ok(Some(tool)) => {
                    signer.keys.push(Signing { state: key.state, until: key.retires_at, tool });
                }
                Ok(None) => signer.broken = Some(format!("signing key {} is damaged", key.id)),
                Err(error) => signer.broken = Some(format!("signing key {}: {error}", key.id)),
            }
        }
        signer
    }

    /// The value of `webhook-signature`: one signature for each key that signs now, newest last.
    /// `None` when there is none.
    ///
    /// # Errors
    /// Why a key that should sign cannot.
    pub(crate) fn sign(
        &self,
        schemes: Schemes,
        signed: Signed<'_>,
        now: Micros,
    ) -> Result<Option<String>, &str> {
        if let Some(broken) = &self.broken {
            return Err(broken);
        }
        let mut header = String::new();
        for key in &self.keys {
            let is_over = key.state == State::Retiring && key.until.is_some_and(|at| at <= now);
            if is_over || !schemes.wants(key.tool.kind()) {
                continue;
            }
            if !header.is_empty() {
                header.push(' ');
            }
            header.push_str(key.tool.kind().as_str());
            header.push(',');
            header.push_str(&key.tool.sign(&signed));
        }
        Ok((!header.is_empty()).then_some(header))
    }
}

/// The headers of a request whose body is signed with one secret, as Standard Webhooks have it.
/// `None` when the text is no secret.
pub fn headers(
    secret: &Secret,
    id: &str,
    now: Micros,
    body: &[u8],
) -> Option<[(&'static str, String); 3]> {
    let tool = Tool::read(Kind::V1, secret)?;
    let timestamp = (now.0 / 1_000_000).to_string();
    let signature = tool.sign(&Signed { id, timestamp: &timestamp, body });
    Some([
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", format!("v1,{signature}")),
    ])
}

/// Whether one of the signatures in a header holds for a body and is of these minutes.
pub fn is_signed(
    secret: &Secret,
    (id, timestamp, signatures): (&str, &str, &str),
    now: Micros,
    body: &[u8],
) -> bool {
    let Some(tool) = Tool::read(Kind::V1, secret) else { return false };
    let seconds: Option<i64> = timestamp.parse().ok();
    let age = seconds.and_then(|at| (now.0 / 1_000_000).checked_sub(at));
    if age.and_then(i64::checked_abs).is_none_or(|age| age > TOLERANCE_SECONDS) {
        return false;
    }
    let signed = Signed { id, timestamp, body };
    let mut versions = signatures.split(' ').filter_map(|one| one.split_once(','));
    versions.any(|(version, signature)| check::holds(&tool, version, signature, &signed))
}

/// Whether a text is a secret of 24 to 64 bytes that can sign.
pub fn is_secret(text: &str) -> bool {
    let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|coded| STANDARD.decode(coded).ok());
    bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len()))
}

/// Draws a secret that signs requests.
pub fn new_secret(runtime: &runtime::Runtime) -> Secret {
    draw(runtime, Kind::V1).0
}

/// Draws the secret of a new key; the public key goes with a `v1a` one.
fn draw(runtime: &runtime::Runtime, kind: Kind) -> (Secret, Option<String>) {
    let mut bytes = [0_u8; SECRET_BYTES];
    runtime.fill(&mut bytes);
    match kind {
        Kind::V1 => (Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))), None),
        Kind::V1a => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&bytes).expect("a seed is 32 bytes");
            let public = STANDARD.encode(pair.public_key());
            let secret = format!("{PRIVATE_PREFIX}{}", STANDARD.encode(bytes));
            (Secret::new(secret), Some(format!("{PUBLIC_PREFIX}{public}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Audit;
    use model::id::{SigningKeyId, SpaceId};
    use runtime::Runtime;

    const NOW: Micros = Micros(1_800_000_000_000_000);

    fn key(vault: &Vault, id: &str, kind: Kind, secret: &str) -> SigningKey {
        let id = SigningKeyId(id.to_owned());
        SigningKey {
            sealed: vault.seal(&keys::place(&id), secret),
            id,
            space_id: SpaceId("s".to_owned()),
            kind,
            state: State::Active,
            public_key: None,
            retires_at: None,
            audit: Audit::created(NOW, "ann"),
        }
    }

    fn sign(signer: &Signer, now: Micros) -> Option<String> {
        let body = br#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        signer.sign(Schemes::ALL, Signed { id, timestamp: "1614265330", body }, now).unwrap()
    }

    #[test]
    fn the_published_example_is_signed_alike() {
        let vault = Vault::ephemeral(&Runtime::fake(NOW, 1));
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signer = Signer::new(&vault, vec![key(&vault, "a", Kind::V1, secret)]);
        let expect = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(&signer, NOW).as_deref(), Some(expect));
    }

    #[test]
    fn a_retiring_key_signs_beside_the_new_one_until_its_time() {
        let runtime = Runtime::fake(NOW, 1);
        let vault = Vault::ephemeral(&runtime);
        let mut keys: Vec<_> = [("a", Kind::V1), ("b", Kind::V1), ("c", Kind::V1a)]
            .map(|(id, kind)| key(&vault, id, kind, draw(&runtime, kind).0.expose()))
            .into();
        keys[0].state = State::Retiring;
        keys[0].retires_at = Some(NOW.plus_ms(1_000));
        let signer = Signer::new(&vault, keys);
        let schemes = |now| {
            let header = sign(&signer, now).unwrap();
            let scheme = |s: &str| s.split(',').next().unwrap().to_owned();
            header.split(' ').map(scheme).collect::<Vec<_>>()
        };
        assert_eq!(schemes(NOW), ["v1", "v1", "v1a"]);
        assert_eq!(schemes(NOW.plus_ms(1_000)), ["v1", "v1a"]);
    }

    #[test]
    fn a_key_that_does_not_open_keeps_deliveries_from_going_out_unsigned() {
        let runtime = Runtime::fake(NOW, 1);
        let (vault, other) = (Vault::ephemeral(&runtime), Vault::ephemeral(&runtime));
        let secret = draw(&runtime, Kind::V1).0;
        let signer = Signer::new(&other, vec![key(&vault, "a", Kind::V1, secret.expose())]);
        let signed = Signed { id: "i", timestamp: "1", body: b"" };
        let error = signer.sign(Schemes::ALL, signed, NOW).unwrap_err();
        assert!(error.contains(vault.key_id()) && error.contains("does not have"), "{error}");
    }
}
