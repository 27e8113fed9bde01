//! Whether a webhook can do what it says: checked at every save, all problems at once.

use super::input::WebhookInput;
use super::legacy;
use crate::Webhooks;
use crate::guard::Guard;
use crate::target::{self, Target};
use expr::js::{Filter, Template};
use model::catalogue::{self, Level};
use model::delivery::{Overrides, Policy};
use model::limits;
use model::webhook::Webhook;
use serde_json::Value;

/// Takes what `input` holds into `webhook` and returns what is wrong with the result.
pub(super) fn apply(
    webhooks: &Webhooks,
    webhook: &mut Webhook,
    input: &WebhookInput,
) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(name) = &input.name {
        name.trim().clone_into(&mut webhook.name);
    }
    if let Some(filter) = &input.filter {
        filter.clone_into(&mut webhook.filter);
    }
    if let Some(url) = &input.url {
        url.trim().clone_into(&mut webhook.url);
    }
    if let Some(enabled) = input.enabled {
        webhook.enabled = enabled;
        if enabled {
            webhook.disabled_reason = None;
        }
    }
    if let Some(given) = &input.delivery {
        match overrides(given) {
            Ok(delivery) => webhook.delivery = delivery,
            Err(more) => problems.extend(more),
        }
    }
    name(&webhook.name, &mut problems);
    event(webhook, input, &mut problems);
    filter(&webhook.filter, &mut problems);
    let public = webhooks.inner.settings.public_url.as_ref();
    let guard = webhooks.inner.sender.guard();
    if let Some(problem) = url(&webhook.url, guard, |u| target::read(u, public)) {
        problems.push(problem);
    }
    if let Some(given) = &input.request {
        super::request::apply(webhooks, webhook, given, &mut problems);
    }
    if let Some(given) = &input.auth_strategy {
        let vault = &webhooks.inner.vault;
        match legacy::read(given, webhook.auth_strategy.as_ref(), vault, &webhook.id) {
            Ok(strategy) => webhook.auth_strategy = strategy,
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

/// Reads what a webhook delivers differently.
fn overrides(given: &Value) -> Result<Overrides, Vec<String>> {
    if given.is_null() {
        return Ok(Overrides::default());
    }
    let overrides: Overrides = serde_json::from_value(given.clone())
        .map_err(|error| vec![format!("Delivery is not valid: {error}")])?;
    let mut problems = overrides.problems(&Policy::default());
    for problem in &mut problems {
        problem.insert_str(0, "Delivery: ");
    }
    for (name, text) in [("orderBy", &overrides.order_by), ("coalesceBy", &overrides.coalesce_by)] {
        let Some(text) = text else { continue };
        if text.trim().is_empty() || text.chars().count() > limits::URL_CHARS_MAX {
            let max = limits::URL_CHARS_MAX;
            problems.push(format!("Delivery: {name} must have 1 to {max} characters"));
        } else if let Err(error) = Template::compile(text) {
            problems.push(format!("Delivery: {name} is not a valid template: {error}"));
        }
    }
    if problems.is_empty() { Ok(overrides) } else { Err(problems) }
}

fn name(name: &str, problems: &mut Vec<String>) {
    if name.is_empty() {
        problems.push("Name must not be blank".to_owned());
    } else if name.chars().count() > limits::NAME_CHARS_MAX {
        problems.push(format!("Name must not exceed {} characters", limits::NAME_CHARS_MAX));
    } else if name.chars().any(char::is_control) {
        problems.push("Name must not contain control characters".to_owned());
    }
}

fn event(webhook: &mut Webhook, input: &WebhookInput, problems: &mut Vec<String>) {
    let type_name = input.type_name.as_ref().unwrap_or(&webhook.type_name).trim();
    let event = input.event.as_ref().unwrap_or(&webhook.event).trim();
    if type_name.is_empty() {
        problems.push("Type must not be blank".to_owned());
    }
    if event.is_empty() {
        problems.push("Event must not be blank".to_owned());
    }
    if type_name.is_empty() || event.is_empty() {
        return;
    }
    let level = webhook.level();
    if let Some((type_name, event)) = catalogue::normalise(level, type_name, event) {
        webhook.type_name = type_name.to_owned();
        webhook.event = event.to_owned();
        return;
    }
    let known = catalogue::types(level).find(|t| t.name == type_name);
    problems.push(match known {
        Some(known) => format!(
            "Event \"{event}\" does not exist for the type {type_name}; there are {}",
            known.events.join(", ")
        ),
        None => {
            let names: Vec<_> = catalogue::types(level).map(|t| t.name).collect();
            let place = match level {
                Level::Space => "a space",
                Level::Kapp => "a kapp",
            };
            format!(
                "Type \"{type_name}\" does not exist for webhooks of {place}; there are {}",
                names.join(", ")
            )
        }
    });
}

pub(super) fn filter(filter: &str, problems: &mut Vec<String>) {
    if filter.chars().count() > limits::FILTER_CHARS_MAX {
        problems.push(format!("Filter must not exceed {} characters", limits::FILTER_CHARS_MAX));
    } else if let Err(error) = Filter::compile(filter) {
        problems.push(format!("Filter is not a valid expression: {error}"));
    }
}

/// What is wrong with a URL template.
fn url(url: &str, guard: &Guard, read: impl Fn(&str) -> Target) -> Option<String> {
    if url.is_empty() {
        return Some("Url must not be blank".to_owned());
    }
    if url.chars().count() > limits::URL_CHARS_MAX {
        return Some(format!("Url must not exceed {} characters", limits::URL_CHARS_MAX));
    }
    if url.chars().any(char::is_control) {
        return Some("Url must not contain control characters".to_owned());
    }
    if let Err(error) = Template::compile(url) {
        return Some(format!("Url is not a valid template: {error}"));
    }
    // What stands before the first expression is known now; if that names a host, it is judged.
    let literal = url.split("${").next().unwrap_or_default();
    let is_template = literal.len() < url.len();
    if literal.starts_with('/') || (is_template && literal.is_empty()) {
        return None;
    }
    let host_is_known = !is_template
        || literal.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
    if !host_is_known {
        let scheme = literal.split(':').next().unwrap_or_default();
        let is_http = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
        return (!is_http).then(|| {
            "Url must be absolute (https://…) or a path of this server (/app/…)".to_owned()
        });
    }
    if read(literal) != Target::Outside {
        return None;
    }
    guard.judge_url(literal).err().map(|refusal| format!("Url cannot be called: {refusal}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_url(text: &str) -> Option<String> {
        url(text, &Guard::default(), |u| target::read(u, None))
    }

    #[test]
    fn urls_that_can_be_called() {
        for good in [
            "/app/api/v1/run-tree/${space('attribute:Task Source Name')}/Users/Created",
            "https://example.com/hook?x=${values('A')}",
            "https://${space('slug')}.example.com/hook",
            "${space('attribute:Hook')}",
            "http://93.184.216.34/",
        ] {
            assert_eq!(check_url(good), None, "{good}");
        }
    }

    #[test]
    fn urls_that_cannot() {
        for (bad, says) in [
            ("", "Url must not be blank"),
            ("example.com/hook", "neither absolute"),
            ("ftp://example.com/", "cannot be called; use http or https"),
            ("ftp://${space('slug')}/", "must be absolute"),
            ("http://127.0.0.1/${space('slug')}", "loopback"),
            ("http://2130706433?x=${space('slug')}", "loopback"),
            ("http://[::ffff:10.0.0.1]/", "private"),
            ("https://user@example.com/", "user name"),
            ("https://example.com/${", "not a valid template"),
            ("https://example.com/\r\nX: y", "control characters"),
        ] {
            let problem = check_url(bad).unwrap_or_else(|| panic!("{bad} passed"));
            assert!(problem.contains(says), "{bad}: {problem}");
        }
    }
}
