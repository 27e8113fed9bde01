//! Checking what was sent: whether each attempt's signatures hold, and by which key.

use super::{Signed, Tool, keys};
use crate::jobs::JobDetail;
use crate::{Actor, Error, Webhooks};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::id::SigningKeyId;
use model::job::Attempt;
use model::signing::{Kind, SigningKey, State};
use ring::hmac;
use ring::signature::{ED25519, KeyPair, UnparsedPublicKey};

/// The check of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// Whether there are signatures and each of them holds.
    pub ok: bool,
    /// Why not, in words.
    pub reason: Option<String>,
    /// Each signature that was sent.
    pub checked: Vec<Checked>,
}

/// The check of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// `v1` or `v1a`, as sent.
    pub kind: String,
    /// The signature as sent, without its scheme.
    pub signature: String,
    /// The key by which it holds; `None` when there is none.
    pub key_id: Option<SigningKeyId>,
    /// Where that key stands now.
    pub key_state: Option<State>,
}

impl Webhooks {
    /// Checks the signatures of a job's attempts against the keys of its space, in their order.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn check_signatures(
        &self,
        actor: &Actor,
        detail: &JobDetail,
    ) -> Result<Vec<SignatureCheck>, Error> {
        let tools = self.tools(actor).await?;
        let body = detail.found.request_content();
        let body = body.map(str::as_bytes);
        let check = |attempt: &Attempt| {
            let header = |name: &str| {
                let mut headers = attempt.detail.request_headers.iter();
                headers.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
            };
            check("attempt", header, body, &tools)
        };
        Ok(detail.attempts.iter().map(check).collect())
    }

    /// Checks the signatures of a request that came in against the keys of the actor's space.
    pub(crate) async fn check_arrived<'a>(
        &self,
        actor: &Actor,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> Result<SignatureCheck, Error> {
        if header("webhook-signature").is_none() {
            return Ok(check("request", header, None, &[]));
        }
        Ok(check("request", header, Some(body), &self.tools(actor).await?))
    }

    /// The keys of the actor's space, ready to check with.
    async fn tools(&self, actor: &Actor) -> Result<Vec<Known>, Error> {
        let now = self.inner.runtime.now();
        let known = self.signing_keys(actor).await?;
        let open = |key: SigningKey| {
            let secret = self.inner.vault.open(&keys::place(&key.id), &key.sealed).ok()?;
            let tool = Tool::read(key.kind, &secret)?;
            Some((key.id.clone(), key.state_at(now), tool))
        };
        Ok(known.into_iter().filter_map(open).collect())
    }
}

type Known = (SigningKeyId, State, Tool);

fn check<'a>(
    what: &str,
    header: impl Fn(&str) -> Option<&'a str>,
    body: Option<&[u8]>,
    tools: &[Known],
) -> SignatureCheck {
    let failed =
        |reason: String| SignatureCheck { ok: false, reason: Some(reason), checked: Vec::new() };
    let Some(signatures) = header("webhook-signature") else {
        return failed(format!("The {what} carried no signature"));
    };
    let (Some(id), Some(timestamp)) = (header("webhook-id"), header("webhook-timestamp")) else {
        return failed(format!("The {what} carried no webhook-id or webhook-timestamp"));
    };
    let Some(body) = body else {
        return failed("The body that was signed is no longer kept".to_owned());
    };
    let signed = Signed { id, timestamp, body };
    let one = |text: &str| {
        let (kind, signature) = text.split_once(',').unwrap_or(("", text));
        let key = tools.iter().find(|(_, _, tool)| holds(tool, kind, signature, &signed));
        Checked {
            kind: kind.to_owned(),
            signature: signature.to_owned(),
            key_id: key.map(|(id, _, _)| id.clone()),
            key_state: key.map(|(_, state, _)| *state),
        }
    };
    let checked: Vec<Checked> = signatures.split(' ').map(one).collect();
    let ok = checked.iter().all(|checked| checked.key_id.is_some());
    let reason = (!ok).then(|| "A signature holds by none of the space's keys".to_owned());
    SignatureCheck { ok, reason, checked }
}

pub(super) fn holds(tool: &Tool, kind: &str, signature: &str, signed: &Signed<'_>) -> bool {
    let Ok(given) = STANDARD.decode(signature) else { return false };
    if Kind::parse(kind) != Some(tool.kind()) {
        return false;
    }
    let message = signed.parts().concat();
    match tool {
        Tool::V1(key) => hmac::verify(key, &message, &given).is_ok(),
        Tool::V1a(pair) => {
            let public = UnparsedPublicKey::new(&ED25519, pair.public_key());
            public.verify(&message, &given).is_ok()
        }
    }
}
