//! `kinetic_core_api_v1`: calls this server's own API, as an administrator of the run's space.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Parameter, Work};
use super::{ERROR_HANDLING, is_raised, optional, required};
use serde_json::{Map, Value};

/// Where the paths of the handler begin.
const BASE: &str = "/app/api/v1";

pub(super) const HANDLER: Handler = Handler {
    id: "kinetic_core_api_v1",
    name: "Core API",
    description: "Calls this server's API in the space of the run, as its administrator. What was \
                  interrupted is repeated for GET and PUT, for new submissions and for started \
                  runs; whatever else changes something is left to a person.",
    parameters: &[
        ERROR_HANDLING,
        Parameter {
            id: "method",
            description: "The method.",
            required: true,
            options: &["GET", "POST", "PUT", "PATCH", "DELETE"],
        },
        required("path", "The path and query below /app/api/v1, such as /kapps/services/forms."),
        optional("body", "The body, as JSON."),
    ],
    open: false,
    results: &[
        Output { name: "Response Body", description: "The body of the answer." },
        Output { name: "Response Code", description: "Its status code." },
        Output {
            name: "Handler Error Message",
            description: "What went wrong; blank when nothing did.",
        },
    ],
    effect: Effect::Once,
    deferrable: true,
    work: Work::Act(act),
};

/// A request to this server's own API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path and query, whole: `/app/api/v1/…`.
    pub path: String,
    /// The body; blank: there is none.
    pub body: String,
    /// Whether an error of the API is an error of the run.
    pub is_raised: bool,
}

impl ApiRequest {
    /// What a repeat of it does. `PUT` sets what it names; a new submission is found by its key.
    pub fn effect(&self) -> Effect {
        match self.method.as_str() {
            "GET" | "PUT" => Effect::Repeatable,
            "POST" if self.makes_submission() || self.starts_run() => Effect::Keyed,
            _ => Effect::Once,
        }
    }

    /// Whether it creates a submission, whose id then follows from the key of the task.
    pub fn makes_submission(&self) -> bool {
        let path = self.path.split('?').next().unwrap_or_default().trim_end_matches('/');
        self.method == "POST" && path.contains("/forms/") && path.ends_with("/submissions")
    }

    /// Whether it starts a run, for which the key of the task is its idempotency key.
    fn starts_run(&self) -> bool {
        self.path.starts_with("/app/api/v1/run-tree/")
    }
}

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let method = inputs.required("method")?.trim().to_ascii_uppercase();
    if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
        return Err(format!("\"method\" must be GET, POST, PUT, PATCH or DELETE, not {method}."));
    }
    let path = inputs.required("path")?.trim();
    let path = path.strip_prefix(BASE).unwrap_or(path);
    if !path.starts_with('/') {
        return Err(format!("\"path\" must begin with / and is below {BASE}: {path}"));
    }
    Ok(Action::Outside(Outside::Api(ApiRequest {
        method,
        path: format!("{BASE}{path}"),
        body: inputs.text("body").to_owned(),
        is_raised: is_raised(inputs),
    })))
}

/// The results of an answer; the error when it is one and is to be raised.
pub(crate) fn results(
    request: &ApiRequest,
    status: u16,
    body: String,
) -> Result<Map<String, Value>, String> {
    let message = if status < 400 { String::new() } else { message(status, &body) };
    if request.is_raised && !message.is_empty() {
        return Err(message);
    }
    let mut results = Map::new();
    results.insert("Response Body".into(), body.into());
    results.insert("Response Code".into(), status.to_string().into());
    results.insert("Handler Error Message".into(), message.into());
    Ok(results)
}

/// What the body of an error says.
fn message(status: u16, body: &str) -> String {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let said = document.get("error").or_else(|| document.get("message")).and_then(Value::as_str);
    said.map_or_else(|| format!("The API answered {status}."), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_follow_the_request() {
        let check = |method: &str, path: &str, expect: Effect| {
            let request = ApiRequest {
                method: method.into(),
                path: format!("{BASE}{path}"),
                ..ApiRequest::default()
            };
            assert_eq!(request.effect(), expect, "{method} {path}");
        };
        check("GET", "/kapps", Effect::Repeatable);
        check("PUT", "/submissions/1", Effect::Repeatable);
        check("POST", "/kapps/a/forms/b/submissions?completed=true", Effect::Keyed);
        check("POST", "/datastore/forms/b/submissions", Effect::Keyed);
        check("POST", "/run-tree/a/b/c", Effect::Keyed);
        check("POST", "/kapps/a/forms", Effect::Once);
        check("POST", "/kapps/a/submissions-search", Effect::Once);
        check("PATCH", "/kapps/a/forms/b/submissions", Effect::Once);
        check("DELETE", "/submissions/1", Effect::Once);
    }
}
