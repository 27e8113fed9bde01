//! Templates of operations: text with `{{Name}}` for inputs.
//!
//! `{{Name}}` is escaped for the place it stands in, `{{{Name}}}` and `{{&Name}}` are not;
//! `{{#Name}}…{{/Name}}` is there when the input has a value, `{{^Name}}…{{/Name}}` when it has
//! none; `{{! … }}` is a comment. `{{secrets.Name}}` is a secret of the connection. A name is
//! taken as it is written, spaces included; a final `*` says that the input is required.
//!
//! A value is inserted once and never read as a template again.

use expr::js::encode;
use model::connection::{Input, bare};
use model::limits;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Sections within sections.
const DEPTH_MAX: usize = 20;
/// What a secret reads as where a request is shown.
pub(super) const HIDDEN: &str = "masked-secret";
const SECRETS: &str = "secrets.";
/// Bytes that RFC 3986 reserves for nothing, besides letters and digits.
const UNRESERVED: &[u8] = b"-._~";

/// A parsed template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value { name: String, raw: bool },
    Section { name: String, inverted: bool, parts: Vec<Part> },
}

/// Where a template stands, which decides how values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A URL's path and what follows it: percent-encoded.
    Path,
    /// A JSON document: the text of a string, or outside of one a whole JSON value.
    Json,
    /// An XML or HTML document: entities.
    Xml,
    /// A form's text: percent-encoded.
    Form,
    /// As it is; whoever uses it encodes the whole.
    Plain,
}

/// What templates are filled with.
pub(super) struct Values<'a> {
    pub(super) inputs: &'a Map<String, Value>,
    /// The connection's secrets in clear, or what stands for them.
    pub(super) secrets: &'a BTreeMap<String, Cow<'a, str>>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong and in which line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut open: Vec<(String, bool, Vec<Part>)> = Vec::new();
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let line = 1 + text[..text.len() - rest.len() + start].matches('\n').count();
            let fail = |why: String| Err(format!("in line {line}, {why}"));
            let (literal, tag) = rest.split_at(start);
            if !literal.is_empty() {
                parts.push(Part::Text(literal.to_owned()));
            }
            let (opening, closing) = if tag.starts_with("{{{") { (3, "}}}") } else { (2, "}}") };
            let Some(length) = tag[opening..].find(closing) else {
                return fail(format!("a {} is never closed", &tag[..opening]));
            };
            let inside = tag[opening..opening + length].trim();
            rest = &tag[opening + length + closing.len()..];
            let mark = inside.chars().next().filter(|c| opening == 2 && "#^/&!>=".contains(*c));
            let name = inside[mark.map_or(0, char::len_utf8)..].trim();
            if mark == Some('!') {
                continue;
            }
            if let Some(mark @ ('>' | '=')) = mark {
                return fail(format!("the tag {{{{{mark}}}}} is not supported"));
            }
            if name.is_empty() || name.contains(['{', '}']) || name.contains(char::is_control) {
                return fail(format!("\"{}\" is not the name of an input", name.escape_debug()));
            }
            if name.chars().count() > limits::NAME_CHARS_MAX {
                return fail(format!("a name exceeds {} characters", limits::NAME_CHARS_MAX));
            }
            match mark {
                Some(sign @ ('#' | '^')) => {
                    if open.len() >= DEPTH_MAX {
                        return fail(format!("sections are nested deeper than {DEPTH_MAX}"));
                    }
                    open.push((name.to_owned(), sign == '^', std::mem::take(&mut parts)));
                }
                Some('/') => match open.pop() {
                    Some((section, inverted, before)) if section == name => {
                        let inner = std::mem::replace(&mut parts, before);
                        parts.push(Part::Section { name: section, inverted, parts: inner });
                    }
                    _ => return fail(format!("{{{{/{name}}}}} closes nothing that is open")),
                },
                _ => {
                    let raw = opening == 3 || mark == Some('&');
                    parts.push(Part::Value { name: name.to_owned(), raw });
                }
            }
        }
        if let Some((name, ..)) = open.last() {
            return Err(format!("{{{{#{name}}}}} is never closed"));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// A text without any input.
    pub(super) fn literal(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())] }
    }

    /// Whether it is an empty text.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The literal text it begins with.
    pub(super) fn start(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Adds the inputs it names; those of a path are required unless a section guards them.
    pub(super) fn inputs(&self, place: Place, found: &mut Vec<Input>) {
        let mut in_path = place == Place::Path;
        for part in &self.parts {
            if let Part::Text(text) = part {
                in_path &= !text.contains('?');
            }
            part.inputs(in_path, found);
        }
    }

    /// Adds the secrets it names.
    pub(super) fn secrets(&self, found: &mut Vec<String>) {
        let mut names = Vec::new();
        self.parts.iter().for_each(|part| part.names(&mut names));
        found.extend(names.iter().filter_map(|name| name.strip_prefix(SECRETS)).map(str::to_owned));
    }

    /// Fills it in.
    ///
    /// # Errors
    /// A required input that is blank, a secret that is not set, a result that is too large.
    pub(super) fn render(&self, values: &Values<'_>, place: Place) -> Result<String, String> {
        let mut out = Out { text: String::new(), place, in_string: false, escaped: false };
        for part in &self.parts {
            part.render(values, &mut out, false)?;
        }
        Ok(out.text)
    }

    /// Fills in a value of its own, which is nothing when the template is one input alone that is
    /// null or was not given.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub(super) fn render_or_null(&self, values: &Values<'_>) -> Result<Option<String>, String> {
        if let [Part::Value { name, .. }] = self.parts.as_slice()
            && !name.ends_with('*')
            && values.get(name)?.is_null()
        {
            return Ok(None);
        }
        self.render(values, Place::Plain).map(Some)
    }
}

impl Part {
    fn names(&self, found: &mut Vec<String>) {
        match self {
            Self::Text(_) => {}
            Self::Value { name, .. } => found.push(name.clone()),
            Self::Section { name, parts, .. } => {
                found.push(name.clone());
                parts.iter().for_each(|part| part.names(found));
            }
        }
    }

    fn inputs(&self, in_path: bool, found: &mut Vec<Input>) {
        let mut names = Vec::new();
        self.names(&mut names);
        let guarded = matches!(self, Self::Section { .. });
        for name in names.into_iter().filter(|name| !name.starts_with(SECRETS)) {
            let required = name.ends_with('*') || (in_path && !guarded);
            match found.iter_mut().find(|input| input.name == name) {
                Some(input) => input.required |= required,
                None => found.push(Input { name, required }),
            }
        }
    }

    fn render(&self, values: &Values<'_>, out: &mut Out, guarded: bool) -> Result<(), String> {
        match self {
            Self::Text(text) => out.literal(text),
            Self::Value { name, raw } => {
                let value = values.get(name)?;
                let is_needed = name.ends_with('*') || (out.is_in_path() && !guarded);
                if is_needed && is_blank(&value) {
                    return Err(format!("The input \"{name}\" is required and blank"));
                }
                out.value(&value, *raw);
            }
            Self::Section { name, inverted, parts } => {
                if is_absent(&*values.get(name)?) == *inverted {
                    for part in parts {
                        part.render(values, out, true)?;
                    }
                }
            }
        }
        if out.text.len() > limits::OPERATION_REQUEST_BYTES_MAX {
            let max = limits::OPERATION_REQUEST_BYTES_MAX;
            return Err(format!("The request would exceed {max} bytes"));
        }
        Ok(())
    }
}

impl Values<'_> {
    /// The value of a name: that of exactly this name, or of the same one with or without its `*`.
    fn get(&self, name: &str) -> Result<Cow<'_, Value>, String> {
        if let Some(secret) = name.strip_prefix(SECRETS) {
            let found = self.secrets.get(secret);
            let found = found.ok_or_else(|| format!("The secret \"{secret}\" is not set"))?;
            return Ok(Cow::Owned(Value::String(found.clone().into_owned())));
        }
        let exact = self.inputs.get(name);
        let found = exact.or_else(|| {
            self.inputs.iter().find(|(given, _)| bare(given) == bare(name)).map(|(_, value)| value)
        });
        Ok(found.map_or(Cow::Owned(Value::Null), Cow::Borrowed))
    }
}

/// A value as text.
pub(super) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

pub(super) fn is_blank(value: &Value) -> bool {
    text(value).trim().is_empty()
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The text as far as it is rendered, and for JSON whether it stands within a string.
struct Out {
    text: String,
    place: Place,
    in_string: bool,
    escaped: bool,
}

impl Out {
    /// Whether a value would become part of the path itself.
    fn is_in_path(&self) -> bool {
        self.place == Place::Path && !self.text.contains('?')
    }

    fn literal(&mut self, text: &str) {
        self.text.push_str(text);
        if self.place != Place::Json {
            return;
        }
        for c in text.chars() {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' if self.in_string => self.escaped = true,
                '"' => self.in_string = !self.in_string,
                _ => {}
            }
        }
    }

    fn value(&mut self, value: &Value, raw: bool) {
        let text = text(value);
        if raw {
            return self.literal(&text);
        }
        match self.place {
            Place::Path | Place::Form => self.text.push_str(&encode(&text, UNRESERVED)),
            Place::Json => self.text.push_str(&json(value, &text, self.in_string)),
            Place::Xml => entities(&text, &mut self.text),
            Place::Plain => self.text.push_str(&text),
        }
    }
}

/// A value in JSON: within a string its characters, elsewhere a value of its own. A text that
/// reads as a number, true, false or null is one there; nothing is null.
fn json(value: &Value, text: &str, in_string: bool) -> String {
    if in_string {
        let quoted = Value::from(text).to_string();
        return quoted[1..quoted.len() - 1].to_owned();
    }
    match value {
        Value::String(text) if text.trim().is_empty() => "null".to_owned(),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(Value::Array(_) | Value::Object(_) | Value::String(_)) | Err(_) => value.to_string(),
            Ok(_) => text.trim().to_owned(),
        },
        other => other.to_string(),
    }
}

fn entities(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(template: &str, place: Place, inputs: &Value) -> Result<String, String> {
        let secrets = BTreeMap::from([("Key".to_owned(), Cow::Borrowed("s\"3"))]);
        let inputs = inputs.as_object().unwrap();
        Template::parse(template)?.render(&Values { inputs, secrets: &secrets }, place)
    }

    #[test]
    fn values_are_escaped_for_their_place() {
        let check = |place: Place, template: &str, value: Value, expect: &str| {
            let filled = filled(template, place, &json!({ "A": value }));
            assert_eq!(filled.as_deref(), Ok(expect), "{template}");
        };
        let nasty = json!("a/b?c#d&e=\"f\"\r\nü{{A}}%2e");
        let encoded = "a%2Fb%3Fc%23d%26e%3D%22f%22%0D%0A%C3%BC%7B%7BA%7D%7D%252e";
        check(Place::Path, "/x/{{A}}", nasty.clone(), &format!("/x/{encoded}"));
        check(Place::Path, "/x?q={{A}}", nasty.clone(), &format!("/x?q={encoded}"));
        check(Place::Form, "q={{A}}", nasty.clone(), &format!("q={encoded}"));
        check(Place::Plain, "{{A}}", nasty.clone(), nasty.as_str().unwrap());
        check(Place::Xml, "<a>{{A}}</a>", json!("<b> & '\""), "<a>&lt;b&gt; &amp; &#39;&quot;</a>");
        check(Place::Path, "/{{{A}}}", json!("a/b"), "/a/b");
        check(Place::Path, "/{{&A}}", json!("a/b"), "/a/b");
        let json = Place::Json;
        check(json, r#"{"a":"{{A}}"}"#, nasty, r#"{"a":"a/b?c#d&e=\"f\"\r\nü{{A}}%2e"}"#);
        check(json, r#"{"a":"\"{{A}}"}"#, json!("\""), r#"{"a":"\"\""}"#);
        check(json, r#"{"a":{{A}}}"#, json!("5"), r#"{"a":5}"#);
        check(json, r#"{"a":{{A}}}"#, json!(" true "), r#"{"a":true}"#);
        check(json, r#"{"a":{{A}}}"#, json!("05"), r#"{"a":"05"}"#);
        check(json, r#"{"a":{{A}}}"#, json!(""), r#"{"a":null}"#);
        check(json, r#"{"a":{{A}}}"#, json!("1, \"admin\": true"), r#"{"a":"1, \"admin\": true"}"#);
        check(json, r#"{"a":{{A}}}"#, json!([1, "x"]), r#"{"a":[1,"x"]}"#);
        check(json, r#"{"a":{{{A}}}}"#, json!("{\"b\":1}"), r#"{"a":{"b":1}}"#);
        check(json, r#"{"a":"{{{A}}}","b":"{{A}}"}"#, json!("x"), r#"{"a":"x","b":"x"}"#);
    }

    #[test]
    fn sections_are_there_when_their_input_is() {
        let check = |value: Value, expect: &str| {
            let template = "a{{#A}}[{{A}}{{^B}}!{{/B}}]{{/A}}{{^A}}-{{/A}}{{! nothing }}z";
            let filled = filled(template, Place::Plain, &json!({ "A": value }));
            assert_eq!(filled.as_deref(), Ok(expect));
        };
        check(json!("x"), "a[x!]z");
        check(json!(""), "a-z");
        check(json!(null), "a-z");
        check(json!(false), "a-z");
        check(json!(0), "a[0!]z");
    }

    #[test]
    fn inputs_are_found_and_required_ones_must_be_there() {
        let template = Template::parse("/{{Id}}/{{#Sub}}{{Sub}}{{/Sub}}?q={{Q}}&r={{R*}}").unwrap();
        let mut found = Vec::new();
        template.inputs(Place::Path, &mut found);
        let input = |name: &str, required| Input { name: name.to_owned(), required };
        let expect = [input("Id", true), input("Sub", false), input("Q", false), input("R*", true)];
        assert_eq!(found, expect);
        let blank = |inputs: Value| filled("/{{Id}}?r={{R*}}", Place::Path, &inputs);
        assert_eq!(blank(json!({ "R*": 1 })), Err("The input \"Id\" is required and blank".into()));
        assert_eq!(
            blank(json!({ "Id": " ", "R": 1 })),
            Err("The input \"Id\" is required and blank".into())
        );
        assert_eq!(blank(json!({ "Id": 1 })), Err("The input \"R*\" is required and blank".into()));
        assert_eq!(blank(json!({ "Id*": 1, "R": 2 })), Ok("/1?r=2".into()));
    }

    #[test]
    fn secrets_stand_beside_inputs() {
        let get = |template: &str| filled(template, Place::Plain, &json!({ "secrets.Key": "no" }));
        assert_eq!(get("Key {{secrets.Key}}"), Ok("Key s\"3".into()));
        assert_eq!(get("{{secrets.No}}"), Err("The secret \"No\" is not set".into()));
        let mut found = Vec::new();
        Template::parse("{{secrets.Key}}{{A}}").unwrap().inputs(Place::Plain, &mut found);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn mistakes_name_their_line() {
        let check = |template: &str, expect: &str| {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(expect), "{error}");
        };
        check("a\nb {{c", "in line 2, a {{ is never closed");
        check("{{{c}}", "a {{{ is never closed");
        check("{{}}", "\"\" is not the name");
        check("{{#a}}", "{{#a}} is never closed");
        check("{{/a}}", "{{/a}} closes nothing");
        check("{{#a}}{{/b}}", "{{/b}} closes nothing");
        check("{{>a}}", "{{>}} is not supported");
        check(&"{{#a}}".repeat(21), "nested deeper");
    }
}
