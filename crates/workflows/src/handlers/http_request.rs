//! `kapok_http_request_v1`: sends an HTTP request through the guarded sender.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Parameter, Work};
use super::{optional, required};
use model::limits;
use serde_json::Value;

pub(super) const HANDLER: Handler = Handler {
    id: "kapok_http_request_v1",
    name: "HTTP Request",
    description: "Sends an HTTP request; a repeat carries the same Idempotency-Key. Any status is \
                  an answer, unless retry_statuses says otherwise; the node's retry says how \
                  often and when it is tried again.",
    parameters: &[
        Parameter {
            id: "method",
            description: "The method; GET when blank.",
            required: false,
            options: &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"],
        },
        required("url", "The URL; private addresses must be allowed by the operator."),
        optional("headers", "A JSON object of headers, or lines of Name: value."),
        optional("body", "The body; JSON unless a Content-Type header says otherwise."),
        optional(
            "retry_statuses",
            "Statuses that count as failures, such as 429, 502-504 or 5xx. Retry-After is obeyed.",
        ),
        optional("timeout_seconds", "Seconds it may take in all, 1 to 120; 30 when blank."),
        optional("response_bytes_max", "Bytes of the body that are kept; 262144 when blank."),
    ],
    open: false,
    results: &[
        Output { name: "Response Code", description: "The status code." },
        Output { name: "Response Body", description: "The body, cut when it is very long." },
        Output { name: "Response Headers", description: "A JSON object of the headers." },
    ],
    effect: Effect::Repeatable,
    deferrable: true,
    work: Work::Act(act),
};

/// An HTTP request to send.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpRequest {
    /// The method, in capitals.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// First and last statuses of ranges that count as failures.
    pub retry_statuses: Vec<(u16, u16)>,
    /// Milliseconds it may take in all; `None`: the sender's own limit.
    pub timeout_ms: Option<u64>,
    /// Bytes of the answer's body that are kept; `None`: the sender's own limit.
    pub body_bytes_max: Option<usize>,
}

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let method = match inputs.text("method").trim() {
        "" => "GET".to_owned(),
        method => method.to_ascii_uppercase(),
    };
    let timeout = number(inputs, "timeout_seconds", limits::HTTP_TIMEOUT_SECONDS_MAX)?;
    // Results are texts in JSON, where a byte of the body may become two.
    let bytes = number(inputs, "response_bytes_max", limits::RESULTS_BYTES_MAX as u64 / 2)?;
    Ok(Action::Outside(Outside::Http(HttpRequest {
        method,
        url: inputs.required("url")?.trim().to_owned(),
        headers: headers(inputs.text("headers").trim())?,
        body: inputs.text("body").to_owned(),
        retry_statuses: statuses(inputs.text("retry_statuses"))?,
        timeout_ms: timeout.map(|seconds| seconds * 1_000),
        body_bytes_max: bytes.and_then(|bytes| usize::try_from(bytes).ok()),
    })))
}

/// A whole number from 1 to `most`; `None` when blank.
fn number(inputs: &Inputs<'_>, id: &str, most: u64) -> Result<Option<u64>, String> {
    let text = inputs.text(id).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|n| (1..=most).contains(n));
    number
        .map(Some)
        .ok_or_else(|| format!("\"{id}\" must be a whole number from 1 to {most}, not \"{text}\"."))
}

/// Reads `429, 502-504, 5xx`.
fn statuses(text: &str) -> Result<Vec<(u16, u16)>, String> {
    let parts = text.split([',', ' ', ';']).map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let status = |text: &str| text.parse().ok().filter(|s| (100..=599).contains(s));
            let class = part.to_ascii_lowercase();
            let range = match (class.strip_suffix("xx"), part.split_once('-')) {
                (Some(class), _) => {
                    let class: Option<u16> = class.parse().ok().filter(|c| (1..=5).contains(c));
                    class.map(|class| (class * 100, class * 100 + 99))
                }
                (None, Some((first, last))) => {
                    status(first).zip(status(last)).filter(|(first, last)| first <= last)
                }
                (None, None) => status(part).map(|status| (status, status)),
            };
            range.ok_or_else(|| {
                format!("\"retry_statuses\" must be as in 429, 502-504, 5xx, not \"{part}\".")
            })
        })
        .collect()
}

fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    if text.starts_with('{') {
        let object: serde_json::Map<String, Value> = serde_json::from_str(text)
            .map_err(|e| format!("The parameter \"headers\" is not JSON: {e}"))?;
        return Ok(object
            .into_iter()
            .map(|(name, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (name, value)
            })
            .collect());
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(format!("The header line \"{line}\" lacks a colon.")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::statuses;

    #[test]
    fn statuses_are_read() {
        assert_eq!(statuses("429, 502-504 5xx"), Ok(vec![(429, 429), (502, 504), (500, 599)]));
        assert_eq!(statuses(" "), Ok(vec![]));
        for wrong in ["x", "504-502", "9xx", "99", "429,y"] {
            assert!(statuses(wrong).is_err(), "{wrong}");
        }
    }
}
