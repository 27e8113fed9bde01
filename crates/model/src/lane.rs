//! Lanes: what deliveries are kept apart by, endpoint and webhook, as one number.
//!
//! The number is stored with each job, so that the table can be asked lane by lane. It must stay
//! what it is from version to version; a job with another number would only wait in another lane.

use crate::id::{SpaceId, WebhookId};
use std::borrow::Cow;

/// A lane's number: never 0, which stands for "not known".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId(pub i64);

impl LaneId {
    /// The lane of what a webhook sends to a URL; of what people of a space send by hand, when
    /// there is no webhook.
    pub fn of(url: &str, space: &SpaceId, webhook: Option<&WebhookId>) -> Self {
        let owner = webhook.map_or(space.as_str(), WebhookId::as_str);
        let endpoint = endpoint(url);
        let kind = u8::from(webhook.is_none());
        let bytes = endpoint.bytes().chain([kind]).chain(owner.bytes());
        // FNV-1a with a final mix: short, stable, and even enough for some ten thousand lanes.
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self((mixed ^ (mixed >> 29)).max(1).cast_signed())
    }

    /// Reads what [`std::fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let number = u64::from_str_radix(text, 16).ok()?.cast_signed();
        (text.len() == 16 && number != 0).then_some(Self(number))
    }
}

impl std::fmt::Display for LaneId {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Scheme, host and port of a URL, such as `https://example.com:443`; `-` when there are none.
pub fn endpoint(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return "-".into() };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_lower = !scheme.bytes().chain(authority.bytes()).any(|byte| byte.is_ascii_uppercase());
    if has_port && is_lower {
        return url.get(..scheme.len() + 3 + authority.len()).unwrap_or("-").into();
    }
    let scheme = scheme.to_ascii_lowercase();
    let authority = authority.trim_end_matches(':').to_ascii_lowercase();
    let port = match (has_port, scheme.as_str()) {
        (true, _) => "",
        (false, "https") => ":443",
        (false, _) => ":80",
    };
    format!("{scheme}://{authority}{port}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_endpoint_however_it_is_written() {
        for url in [
            "https://example.com/a?b=c",
            "HTTPS://Example.com",
            "https://example.com:443/x#y",
            "https://example.com:/",
        ] {
            assert_eq!(endpoint(url), "https://example.com:443", "{url}");
        }
        assert_eq!(endpoint("http://[::1]:8080/x"), "http://[::1]:8080");
        assert_eq!(endpoint("http://[::1]/x"), "http://[::1]:80");
        assert_eq!(endpoint("/app/api"), "-");
    }

    #[test]
    fn lanes_are_endpoint_and_webhook_and_stay_what_they_are() {
        let (w, v) = (WebhookId("w".into()), WebhookId("v".into()));
        let (s, t) = (SpaceId("w".into()), SpaceId("t".into()));
        let lane = LaneId::of("https://example.com/a", &s, Some(&w));
        assert_eq!(lane, LaneId::of("https://EXAMPLE.com:443/b", &t, Some(&w)));
        assert_ne!(lane, LaneId::of("https://example.com/a", &s, Some(&v)));
        assert_ne!(lane, LaneId::of("http://example.com/a", &s, Some(&w)));
        let by_hand = LaneId::of("https://example.com/a", &s, None);
        assert_ne!(lane, by_hand);
        assert_ne!(by_hand, LaneId::of("https://example.com/a", &t, None));
        assert_eq!(LaneId::parse(&lane.to_string()), Some(lane));
        assert_eq!(LaneId::parse("0"), None);
        // Stored in rows: a change of the formula must be a decision.
        assert_eq!(lane.to_string(), "b3ce2ddb6418adcd");
    }
}
