//! `kapok expr`: evaluates expressions of trees and webhooks, as the server would.

use crate::output;
use anyhow::Context as _;
use clap::Args;
use expr::js::{Bindings, Filter, Template};
use expr::ruby::{Condition, Context, Erb};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::BufRead;
use std::path::PathBuf;

/// What to evaluate.
#[derive(Debug, Args)]
pub(crate) struct Expr {
    /// Reads `{"kind", "text", "context"}` from each line of the standard input, and answers each
    #[arg(long, conflicts_with = "text")]
    jsonl: bool,
    /// erb, condition (Ruby, of trees), filter or url (JavaScript, of webhooks)
    #[arg(long, default_value = "erb")]
    kind: String,
    /// The file of the expression
    #[arg(required_unless_present = "jsonl")]
    text: Option<PathBuf>,
    /// The file of its context: a JSON object of the `@`-variables, or of the event's entities
    context: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: String,
    text: String,
    #[serde(default)]
    context: Value,
}

impl Expr {
    /// Evaluates one expression, or one of each line.
    ///
    /// # Errors
    /// A file that cannot be read. Mistakes of expressions are answers.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Some(path) = &self.text else { return lines() };
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path);
            text.with_context(|| format!("cannot read {}", path.display()))
        };
        let context = match &self.context {
            Some(path) => {
                let text = read(path)?;
                serde_json::from_str(&text)
                    .with_context(|| format!("{} is not JSON", path.display()))?
            }
            None => json!({}),
        };
        let answer = answer(&Line { kind: self.kind, text: read(path)?, context });
        output::line(&answer.to_string());
        Ok(())
    }
}

fn lines() -> anyhow::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read the standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str(&line) {
            Ok(line) => answer(&line),
            Err(e) => failed("InputError", &e.to_string(), e.line(), e.column()),
        };
        output::line(&answer.to_string());
    }
    Ok(())
}

/// What came of one expression.
fn answer(line: &Line) -> Value {
    let done = match line.kind.as_str() {
        "erb" | "condition" => ruby(line),
        "filter" | "url" => javascript(line),
        other => {
            let message = format!("\"{other}\" is none of erb, condition, filter and url");
            return failed("InputError", &message, 1, 1);
        }
    };
    match done {
        Ok(value) => json!({ "ok": true, "value": value }),
        Err(error) => error,
    }
}

fn ruby(line: &Line) -> Result<Value, Value> {
    let context = Context::new(&line.context, runtime::Runtime::system().now());
    let problem = |problems: expr::ruby::Problems| match problems.0.first() {
        Some(p) => failed("SyntaxError", &p.message, p.line, p.column),
        None => failed("SyntaxError", "it cannot be read", 1, 1),
    };
    let raised = |e: expr::ruby::Error| failed(&e.class, &e.message, e.line, e.column);
    if line.kind == "erb" {
        let template = Erb::compile(&line.text).map_err(problem)?;
        return template.render(&context).map(Value::from).map_err(raised);
    }
    let condition = Condition::compile(&line.text).map_err(problem)?;
    condition.evaluate(&context).map(|outcome| outcome.fires.into()).map_err(raised)
}

fn javascript(line: &Line) -> Result<Value, Value> {
    let bindings = Bindings::new(line.context.clone());
    let wrong = |e: expr::js::Error| {
        let kind = match e.kind {
            expr::js::Kind::Syntax => "SyntaxError",
            expr::js::Kind::Thrown => "Thrown",
            expr::js::Kind::Limit => "LimitError",
            expr::js::Kind::Empty => "Empty",
        };
        failed(kind, &e.message, e.line, e.column)
    };
    if line.kind == "url" {
        let template = Template::compile(&line.text).map_err(wrong)?;
        return template.render_url(&bindings).map(Value::from).map_err(wrong);
    }
    let filter = Filter::compile(&line.text).map_err(wrong)?;
    filter.evaluate(&bindings).map(|verdict| verdict.fires.into()).map_err(wrong)
}

fn failed(kind: &str, message: &str, line: impl Into<Value>, column: impl Into<Value>) -> Value {
    json!({ "ok": false, "error": { "type": kind, "message": message, "line": line.into(),
                                    "column": column.into() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_answers_with_a_value_or_a_place() {
        let ask = |kind: &str, text: &str, context: Value| {
            answer(&Line { kind: kind.into(), text: text.into(), context })
        };
        let values = json!({ "values": { "A": "b" } });
        for (kind, text, expect) in [
            ("erb", "x<%= @values['A'] %>", json!("xb")),
            ("condition", "@values['A'] == 'b'", json!(true)),
            ("filter", "values('A') == 'c'", json!(false)),
            ("url", "/x/${values('A')}", json!("/x/b")),
        ] {
            let expect = json!({ "ok": true, "value": expect });
            assert_eq!(ask(kind, text, values.clone()), expect, "{kind}");
        }
        let missing = ask("erb", "\n<%= @values['B'] %>", values.clone());
        assert_eq!(missing["error"]["type"], "IndexError");
        assert_eq!(missing["error"]["line"], 2);
        assert_eq!(ask("condition", "1 +", values.clone())["error"]["type"], "SyntaxError");
        assert_eq!(ask("filter", "(", values.clone())["error"]["type"], "SyntaxError");
        assert_eq!(ask("perl", "", values)["error"]["type"], "InputError");
    }
}
