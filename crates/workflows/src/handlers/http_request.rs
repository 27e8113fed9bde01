//! `kapok_http_request_v1`: sends an HTTP request through the guarded sender.

use super::{Action, Effect, Handler, HttpRequest, Inputs, Output, Outside, Parameter, Work};
use super::{optional, required};
use serde_json::Value;

pub(super) const HANDLER: Handler = Handler {
    id: "kapok_http_request_v1",
    name: "HTTP Request",
    description: "Sends an HTTP request; a repeat carries the same Idempotency-Key.",
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

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let method = match inputs.text("method").trim() {
        "" => "GET".to_owned(),
        method => method.to_ascii_uppercase(),
    };
    Ok(Action::Outside(Outside::Http(HttpRequest {
        method,
        url: inputs.required("url")?.trim().to_owned(),
        headers: headers(inputs.text("headers").trim())?,
        body: inputs.text("body").to_owned(),
    })))
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
