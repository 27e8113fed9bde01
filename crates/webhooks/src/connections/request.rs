//! The request of an operation: read from its document, and rendered from inputs.

use super::template::{Place, Template, Values};
use crate::definitions::request::header_name;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use model::connection::Input;
use model::limits;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// An operation's request, parsed.
#[derive(Debug)]
pub(super) struct Request {
    method: http::Method,
    path: Template,
    params: Vec<(String, Template)>,
    headers: Vec<(HeaderName, Template)>,
    body: Body,
    with_empty_params: bool,
    /// Whether its author expects redirects to be followed, which never happens.
    pub(super) expects_redirects: bool,
}

#[derive(Debug)]
enum Body {
    None,
    Text(Template, Place),
    /// A JSON value whose texts are templates.
    Json(Value),
    Form(Vec<(String, Template)>),
    Parts(Vec<Part>),
}

#[derive(Debug)]
struct Part {
    name: Template,
    content: Template,
    content_type: Template,
    file_name: Template,
}

/// A request ready to be sent through a connection.
pub(super) struct Rendered {
    pub(super) method: http::Method,
    pub(super) url: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

impl Request {
    /// Reads the document.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(given: &Map<String, Value>) -> Result<Self, Vec<String>> {
        let mut read = Read { problems: Vec::new() };
        let request = read.request(given);
        if read.problems.is_empty() { Ok(request) } else { Err(read.problems) }
    }

    /// A GET of a URL's path and query as they are.
    pub(super) fn plain(path: &str) -> Self {
        Self {
            method: http::Method::GET,
            path: Template::literal(path),
            params: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
            with_empty_params: false,
            expects_redirects: false,
        }
    }

    /// The document with what was left out filled in.
    pub(super) fn document(&self, given: &Map<String, Value>) -> Value {
        let or = |member: &str, usual: Value| match given.get(member) {
            None | Some(Value::Null) => usual,
            Some(value) => value.clone(),
        };
        json!({
            "configType": "http",
            "method": self.method.as_str(),
            "path": or("path", json!("")),
            "params": or("params", json!({})),
            "headers": or("headers", json!({})),
            "body": or("body", json!({ "bodyType": "raw", "raw": "" })),
            "includeEmptyParams": self.with_empty_params,
            "followRedirect": self.expects_redirects,
            "streamResponse": or("streamResponse", json!(false)),
        })
    }

    fn templates(&self) -> Vec<(&Template, Place)> {
        let mut found = vec![(&self.path, Place::Path)];
        found.extend(self.params.iter().map(|(_, template)| (template, Place::Plain)));
        found.extend(self.headers.iter().map(|(_, template)| (template, Place::Plain)));
        match &self.body {
            Body::None | Body::Json(_) => {}
            Body::Text(template, place) => found.push((template, *place)),
            Body::Form(fields) => {
                found.extend(fields.iter().map(|(_, template)| (template, Place::Plain)));
            }
            Body::Parts(parts) => {
                for part in parts {
                    let texts = [&part.name, &part.file_name, &part.content_type, &part.content];
                    found.extend(texts.map(|template| (template, Place::Plain)));
                }
            }
        }
        found
    }

    /// The templates within a JSON body, which were read once already.
    fn within(&self) -> Vec<Template> {
        let mut found = Vec::new();
        if let Body::Json(value) = &self.body {
            texts(value, &mut |text| found.extend(Template::parse(text)));
        }
        found
    }

    /// The inputs it names, in order.
    pub(super) fn inputs(&self) -> Vec<Input> {
        let mut found = Vec::new();
        for (template, place) in self.templates() {
            template.inputs(place, &mut found);
        }
        self.within().iter().for_each(|template| template.inputs(Place::Plain, &mut found));
        found
    }

    /// The secrets it names.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.templates().iter().for_each(|(template, _)| template.secrets(&mut found));
        self.within().iter().for_each(|template| template.secrets(&mut found));
        found
    }

    /// The request to a system at `base`.
    ///
    /// # Errors
    /// What is wrong with the inputs, or with what they make of the request.
    pub(super) fn render(&self, base: &str, values: &Values<'_>) -> Result<Rendered, String> {
        let url = self.url(base, values)?;
        let mut headers = Vec::with_capacity(self.headers.len() + 2);
        for (name, template) in &self.headers {
            let text = template.render(values, Place::Plain)?;
            if text.is_empty() {
                continue;
            }
            let bad = || {
                format!(
                    "The header \"{name}\" cannot be sent with what its inputs hold: it must be \
                     printable ASCII without line breaks, of at most {} bytes",
                    limits::HEADER_VALUE_BYTES_MAX
                )
            };
            let is_plain = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
            if !is_plain || text.len() > limits::HEADER_VALUE_BYTES_MAX {
                return Err(bad());
            }
            let mut value = HeaderValue::from_str(&text).map_err(|_| bad())?;
            let mut secrets = Vec::new();
            template.secrets(&mut secrets);
            value.set_sensitive(!secrets.is_empty());
            headers.push((name.clone(), value));
        }
        let (body, kind) = self.body(values)?;
        if let Some(kind) = kind
            && !headers.iter().any(|(name, _)| name == CONTENT_TYPE)
        {
            let value = HeaderValue::from_str(&kind).map_err(|_| "The content type".to_owned())?;
            headers.push((CONTENT_TYPE, value));
        }
        if body.len() > limits::OPERATION_REQUEST_BYTES_MAX {
            let max = limits::OPERATION_REQUEST_BYTES_MAX;
            return Err(format!("The request would exceed {max} bytes"));
        }
        Ok(Rendered { method: self.method.clone(), url, headers, body: body.into() })
    }

    fn url(&self, base: &str, values: &Values<'_>) -> Result<String, String> {
        let path = self.path.render(values, Place::Path)?;
        stays_below(&path)?;
        let text = join(base, &path);
        // The URL itself is not repeated: a secret may be part of it.
        let unreadable = |error| format!("The path makes no URL: {error}");
        let mut url = Url::parse(&text).map_err(unreadable)?;
        let origin = Url::parse(base).map(|url| url.origin());
        if origin.is_ok_and(|origin| origin != url.origin()) {
            return Err("The path would lead away from the connection's base URL".to_owned());
        }
        let mut pairs = Vec::new();
        for (name, template) in &self.params {
            let value = template.render(values, Place::Plain)?;
            if self.with_empty_params || !value.is_empty() {
                pairs.push((name, value));
            }
        }
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let url = url.to_string();
        if url.len() > limits::URL_CHARS_MAX {
            return Err(format!("The URL exceeds {} characters", limits::URL_CHARS_MAX));
        }
        Ok(url)
    }

    /// The body and the content type that goes with it when the headers name none.
    fn body(&self, values: &Values<'_>) -> Result<(String, Option<String>), String> {
        Ok(match &self.body {
            Body::None => (String::new(), None),
            Body::Text(template, place) => {
                let text = template.render(values, *place)?;
                if *place != Place::Json {
                    return Ok((text, None));
                }
                if !self.is_stream_of_json()
                    && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text)
                {
                    return Err(format!(
                        "The body is not JSON once its inputs are filled in: {error}. An input \
                         may be blank, or {{{{{{Name}}}}}} hold what is no JSON"
                    ));
                }
                (text, Some("application/json".to_owned()))
            }
            Body::Json(value) => {
                (filled(value, values)?.to_string(), Some("application/json".to_owned()))
            }
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, template) in fields {
                    form.append_pair(name, &template.render(values, Place::Plain)?);
                }
                (form.finish(), Some(FORM_TYPE.to_owned()))
            }
            Body::Parts(parts) => {
                let (text, boundary) = multipart(parts, values)?;
                (text, Some(format!("multipart/form-data; boundary={boundary}")))
            }
        })
    }

    /// Whether the content type says that several JSON documents follow each other.
    fn is_stream_of_json(&self) -> bool {
        let kind = self.headers.iter().find(|(name, _)| name == CONTENT_TYPE);
        kind.is_some_and(|(_, template)| {
            let essence = template.start().split(';').next().unwrap_or_default().trim();
            essence != "application/json" && !essence.ends_with("+json")
        })
    }
}

/// Base and path with one slash between them.
fn join(base: &str, path: &str) -> String {
    if path.is_empty() || path.starts_with('?') {
        return format!("{base}{path}");
    }
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// Refuses a path that would climb out of the connection's base, however it is spelt.
fn stays_below(path: &str) -> Result<(), String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let climbs = path.split(['/', '\\']).any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    });
    if climbs || path.contains(|c: char| c.is_control()) {
        return Err("The path must not hold \".\" or \"..\" as a segment, or control characters; \
                    look at the inputs it is made of"
            .to_owned());
    }
    Ok(())
}

/// Visits every text of a JSON value.
fn texts(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Value::Object(members) => members.values().for_each(|member| texts(member, visit)),
        _ => {}
    }
}

/// A JSON value with its texts filled in.
fn filled(value: &Value, values: &Values<'_>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Template::parse(text)?.render(values, Place::Plain)?.into(),
        Value::Array(items) => {
            items.iter().map(|item| filled(item, values)).collect::<Result<_, _>>()?
        }
        Value::Object(members) => {
            let pairs = members
                .iter()
                .map(|(name, member)| Ok::<_, String>((name.clone(), filled(member, values)?)));
            Value::Object(pairs.collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

/// The parts of a form, and the boundary between them, which is none of their text.
fn multipart(parts: &[Part], values: &Values<'_>) -> Result<(String, String), String> {
    let mut rendered = Vec::with_capacity(parts.len());
    for part in parts {
        let plain = |template: &Template| template.render(values, Place::Plain);
        let kind = plain(&part.content_type)?;
        if !kind.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err("The content type of a part must be printable ASCII".to_owned());
        }
        rendered.push((plain(&part.name)?, plain(&part.file_name)?, kind, plain(&part.content)?));
    }
    // A digest of what is sent cannot be part of it, and a repeated request is the same request.
    let all: String = rendered.iter().flat_map(|(a, b, c, d)| [a, b, c, d]).cloned().collect();
    let sum = digest(&SHA256, all.as_bytes());
    let hex: String = sum.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let boundary = format!("kapok-{hex}");
    let mut text = String::new();
    for (name, file_name, kind, content) in rendered {
        text.push_str(&format!("--{boundary}\r\ncontent-disposition: form-data"));
        text.push_str(&format!("; name=\"{}\"", quoted(&name)));
        if !file_name.is_empty() {
            text.push_str(&format!("; filename=\"{}\"", quoted(&file_name)));
        }
        if !kind.is_empty() {
            text.push_str(&format!("\r\ncontent-type: {kind}"));
        }
        text.push_str(&format!("\r\n\r\n{content}\r\n"));
    }
    text.push_str(&format!("--{boundary}--\r\n"));
    Ok((text, boundary))
}

/// A name between quotes, as the HTML standard escapes it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// Reads the document and collects what is wrong.
struct Read {
    problems: Vec<String>,
}

impl Read {
    fn request(&mut self, given: &Map<String, Value>) -> Request {
        let known = [
            "configType",
            "method",
            "path",
            "params",
            "headers",
            "body",
            "includeEmptyParams",
            "followRedirect",
            "streamResponse",
        ];
        self.only("config.", given, &known);
        let kind = given.get("configType").and_then(Value::as_str).unwrap_or("http");
        if kind != "http" {
            self.problems
                .push(format!("Operations of the type {kind} are not supported by this server"));
        }
        let method = given.get("method").and_then(Value::as_str).unwrap_or_default();
        let method = method.to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            self.problems.push(format!("The method must be one of {}", METHODS.join(", ")));
        }
        let path = self.template("path", given.get("path"));
        let headers = self.headers(given.get("headers"));
        let kind = headers.iter().find(|(name, _)| name == CONTENT_TYPE);
        let kind = kind.map(|(_, template)| template.start().to_ascii_lowercase());
        Request {
            method: http::Method::from_bytes(method.as_bytes()).unwrap_or_default(),
            path,
            params: self.templates("params", given.get("params")),
            body: self.body(given.get("body"), kind.as_deref()),
            headers,
            with_empty_params: self.flag(given, "includeEmptyParams"),
            expects_redirects: self.flag(given, "followRedirect"),
        }
    }

    fn only(&mut self, at: &str, given: &Map<String, Value>, known: &[&str]) {
        for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
            self.problems.push(format!("Unexpected field: {at}{name}"));
        }
    }

    fn flag(&mut self, given: &Map<String, Value>, member: &str) -> bool {
        match given.get(member) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.problems.push(format!("The {member} must be true or false"));
                false
            }
        }
    }

    fn template(&mut self, what: &str, given: Option<&Value>) -> Template {
        let text = match given {
            None | Some(Value::Null) => return Template::default(),
            Some(Value::String(text)) => text,
            Some(_) => {
                self.problems.push(format!("The {what} must be text"));
                return Template::default();
            }
        };
        Template::parse(text).unwrap_or_else(|why| {
            self.problems.push(format!("The {what} cannot be read: {why}"));
            Template::default()
        })
    }

    /// Templates by name; a blank name is left out.
    fn templates(&mut self, what: &str, given: Option<&Value>) -> Vec<(String, Template)> {
        let given = match given {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Object(given)) => given,
            Some(_) => {
                self.problems.push(format!("The {what} must be an object of texts by name"));
                return Vec::new();
            }
        };
        let named = given.iter().filter(|(name, _)| !name.trim().is_empty());
        let read = named.map(|(name, value)| {
            (name.clone(), self.template(&format!("{what} \"{name}\""), Some(value)))
        });
        read.collect()
    }

    fn headers(&mut self, given: Option<&Value>) -> Vec<(HeaderName, Template)> {
        let given = match given {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Object(given)) => given,
            Some(_) => {
                self.problems.push("The headers must be an object of texts by name".to_owned());
                return Vec::new();
            }
        };
        if given.len() > limits::HEADERS_MAX {
            let max = limits::HEADERS_MAX;
            self.problems.push(format!("There must not be more than {max} headers"));
        }
        let mut headers = Vec::new();
        for (written, value) in given.iter().filter(|(name, _)| !name.trim().is_empty()) {
            let name = match header_name(written.trim()) {
                Ok(name) => HeaderName::try_from(name).expect("it was read as one"),
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            let values = match value {
                Value::Array(values) => values.iter().collect(),
                value => vec![value],
            };
            for value in values {
                let template = self.template(&format!("header \"{name}\""), Some(value));
                headers.push((name.clone(), template));
            }
        }
        headers
    }

    fn body(&mut self, given: Option<&Value>, kind: Option<&str>) -> Body {
        let given = match given {
            None | Some(Value::Null) => return Body::None,
            Some(Value::Object(given)) => given,
            Some(_) => {
                self.problems.push("The body must be an object with its bodyType".to_owned());
                return Body::None;
            }
        };
        match given.get("bodyType").and_then(Value::as_str).unwrap_or("raw") {
            "raw" => {
                self.only("config.body.", given, &["bodyType", "raw"]);
                self.raw(given.get("raw").unwrap_or(&Value::Null), kind)
            }
            "www_form_urlencoded" => {
                self.only("config.body.", given, &["bodyType", "form"]);
                let fields = self.templates("form", given.get("form"));
                if fields.is_empty() { Body::None } else { Body::Form(fields) }
            }
            "multipart_form" => {
                self.only("config.body.", given, &["bodyType", "parts"]);
                let parts = given.get("parts").and_then(Value::as_array);
                let parts: Vec<Part> =
                    parts.into_iter().flatten().map(|part| self.part(part)).collect();
                if parts.is_empty() { Body::None } else { Body::Parts(parts) }
            }
            other => {
                self.problems.push(format!(
                    "The bodyType must be raw, www_form_urlencoded or multipart_form, not \
                     \"{other}\""
                ));
                Body::None
            }
        }
    }

    fn raw(&mut self, raw: &Value, kind: Option<&str>) -> Body {
        let text = match raw {
            Value::Null => return Body::None,
            Value::String(text) => text,
            value => {
                texts(value, &mut |text| {
                    if let Err(why) = Template::parse(text) {
                        self.problems.push(format!("The body cannot be read: {why}"));
                    }
                });
                return Body::Json(value.clone());
            }
        };
        let template = self.template("body", Some(raw));
        if template.is_empty() {
            return Body::None;
        }
        let place = match kind {
            Some(kind) if kind.contains("json") => Place::Json,
            Some(kind) if kind.contains("xml") || kind.contains("html") => Place::Xml,
            Some(FORM_TYPE) => Place::Form,
            None if text.trim_start().starts_with(['{', '[']) => Place::Json,
            _ => Place::Plain,
        };
        Body::Text(template, place)
    }

    fn part(&mut self, given: &Value) -> Part {
        if given.get("name").and_then(Value::as_str).is_none_or(|name| name.trim().is_empty()) {
            self.problems.push("A part of the body must have a name".to_owned());
        }
        let mut text = |member: &str| self.template(&format!("part's {member}"), given.get(member));
        Part {
            name: text("name"),
            content: text("content"),
            content_type: text("contentType"),
            file_name: text("fileName"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    fn rendered(config: &Value, inputs: &Value) -> Result<Rendered, String> {
        let secrets = BTreeMap::from([("Key".to_owned(), Cow::Borrowed("k"))]);
        let request = Request::read(config.as_object().unwrap()).map_err(|all| all.join("; "))?;
        let values = Values { inputs: inputs.as_object().unwrap(), secrets: &secrets };
        request.render("https://api.test/v1", &values)
    }

    fn url(path: &str, value: &str) -> Result<String, String> {
        let config = json!({ "method": "GET", "path": path, "params": { "p": "{{P}}" } });
        rendered(&config, &json!({ "A": value })).map(|request| request.url)
    }

    #[test]
    fn paths_stay_below_the_base() {
        let check = |path: &str, value: &str, expect: &str| {
            assert_eq!(url(path, value).as_deref(), Ok(expect), "{path} {value}");
        };
        check("/x/{{A}}", "a b/../c", "https://api.test/v1/x/a%20b%2F..%2Fc");
        check("x", "", "https://api.test/v1/x");
        check("", "", "https://api.test/v1");
        check("?q={{A}}", "1&2", "https://api.test/v1?q=1%262");
        check("/{{A}}", "@evil.test", "https://api.test/v1/%40evil.test");
        check("//{{{A}}}", "/evil.test", "https://api.test/v1/evil.test");
        for (path, value) in [
            ("/x/{{A}}", ".."),
            ("/x/{{A}}/y", "."),
            ("/x/{{{A}}}", "a/../../b"),
            ("/x/{{{A}}}", "%2E%2e"),
            ("/x/{{{A}}}", "a\\..\\b"),
            ("/x/../y", ""),
            ("/x/{{{A}}}", "a\r\nHost: evil"),
        ] {
            let refused = url(path, value).unwrap_err();
            assert!(refused.contains("as a segment"), "{path} {value}: {refused}");
        }
        assert_eq!(url("/x/{{A}}", "").unwrap_err(), "The input \"A\" is required and blank");
    }

    #[test]
    fn queries_leave_out_what_is_empty_unless_told() {
        let config = |with: bool| {
            json!({ "method": "get", "path": "/s?a=1", "includeEmptyParams": with,
                "params": { "q": "{{Q}}", "none": "{{None}}", "fix": "a b&c" } })
        };
        let inputs = json!({ "Q": "ü=\r\n{{None}}" });
        let shown = |with| rendered(&config(with), &inputs).unwrap().url;
        let q = "q=%C3%BC%3D%0D%0A%7B%7BNone%7D%7D";
        assert_eq!(shown(false), format!("https://api.test/v1/s?a=1&{q}&fix=a+b%26c"));
        assert_eq!(shown(true), format!("https://api.test/v1/s?a=1&{q}&none=&fix=a+b%26c"));
    }

    #[test]
    fn headers_cannot_be_split() {
        let config = json!({ "method": "GET", "path": "/", "headers":
            { "X-One": "{{A}}", "x-two": ["a", "{{B}}"], "X-Key": "Key {{secrets.Key}}" } });
        let request = rendered(&config, &json!({ "A": "v", "B": "" })).unwrap();
        let shown: Vec<_> = request.headers.iter().map(|(n, v)| (n.as_str(), v)).collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert!(request.headers[2].1.is_sensitive() && !request.headers[0].1.is_sensitive());
        for bad in ["a\r\nx: y", "a\nb", "ü", "\0"] {
            let refused = rendered(&config, &json!({ "A": bad })).err().unwrap();
            assert!(refused.contains("\"x-one\" cannot be sent"), "{refused}");
        }
    }

    #[test]
    fn bodies_have_their_form() {
        let check = |body: Value, headers: Value, expect: &str, kind: Option<&str>| {
            let config = json!({ "method": "POST", "path": "/", "body": body, "headers": headers });
            let inputs = json!({ "A": "x\"\n&<ü", "N": "5", "O": "{\"k\":[1]}" });
            let request = rendered(&config, &inputs).unwrap();
            assert_eq!(String::from_utf8_lossy(&request.body), expect);
            let found = request.headers.iter().find(|(name, _)| name == CONTENT_TYPE);
            assert_eq!(found.map(|(_, value)| value.to_str().unwrap()), kind, "{expect}");
        };
        let raw = |raw: Value| json!({ "bodyType": "raw", "raw": raw });
        let json_type = Some("application/json");
        let text = r#"{"a":"{{A}}","n":{{N}},"o":{{{O}}},"z":{{Z}}}"#;
        let filled = r#"{"a":"x\"\n&<ü","n":5,"o":{"k":[1]},"z":null}"#;
        check(raw(json!(text)), json!({}), filled, json_type);
        let value = json!({ "a": "{{A}}", "l": ["{{N}}", 1, null] });
        check(raw(value), json!({}), r#"{"a":"x\"\n&<ü","l":["5",1,null]}"#, json_type);
        let xml = json!({ "Content-Type": "text/xml" });
        let entities = "<a>x&quot;\n&amp;&lt;ü</a>";
        check(raw(json!("<a>{{A}}</a>")), xml, entities, Some("text/xml"));
        check(raw(json!("plain {{A}}")), json!({}), "plain x\"\n&<ü", None);
        let form = json!({ "bodyType": "www_form_urlencoded", "form": { "a": "{{A}}" } });
        check(form, json!({}), "a=x%22%0A%26%3C%C3%BC", Some(FORM_TYPE));
        let empty = json!({ "bodyType": "www_form_urlencoded", "form": {} });
        check(empty, json!({}), "", None);
        check(raw(json!("")), json!({}), "", None);
        check(Value::Null, json!({}), "", None);
    }

    #[test]
    fn parts_keep_to_themselves() {
        let part = json!({ "name": "f{{A}}", "content": "--x\r\n{{A}}", "fileName": "{{A}}.txt",
            "contentType": "text/plain" });
        let config = json!({ "method": "POST", "path": "/",
            "body": { "bodyType": "multipart_form", "parts": [part] } });
        let request = rendered(&config, &json!({ "A": "\"\r\n" })).unwrap();
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        let head = "content-disposition: form-data; name=\"f%22%0D%0A\"; \
                    filename=\"%22%0D%0A.txt\"\r\ncontent-type: text/plain\r\n\r\n--x\r\n\"\r\n";
        assert!(text.contains(head), "{text}");
        let kind = request.headers[0].1.to_str().unwrap();
        let boundary = kind.split("boundary=").nth(1).unwrap();
        assert_eq!(text.matches(boundary).count(), 2);
    }

    #[test]
    fn a_body_that_became_no_json_is_not_sent() {
        let config = json!({ "method": "POST", "path": "/",
            "body": { "bodyType": "raw", "raw": "{\"a\":{{{A}}}}" } });
        let refused = rendered(&config, &json!({ "A": "1, \"b\":" })).err().unwrap();
        assert!(refused.contains("is not JSON once its inputs are filled in"), "{refused}");
    }

    #[test]
    fn mistakes_are_listed() {
        let check = |config: Value, expect: &str| {
            let problems = Request::read(config.as_object().unwrap()).err().unwrap().join("; ");
            assert!(problems.contains(expect), "{problems}");
        };
        check(json!({ "method": "HEAD", "path": "/" }), "one of GET, POST, PUT, DELETE, PATCH");
        check(json!({ "method": "GET", "path": "/{{a" }), "The path cannot be read: in line 1");
        check(json!({ "method": "GET", "url": "/" }), "Unexpected field: config.url");
        check(json!({ "method": "GET", "headers": { "Host": "x" } }), "set by the sender");
        check(json!({ "method": "GET", "params": [1] }), "The params must be an object");
        check(json!({ "method": "GET", "params": { "a": 1 } }), "The params \"a\" must be text");
        let body = json!({ "bodyType": "json", "raw": "" });
        check(json!({ "method": "GET", "body": body }), "The bodyType must be raw");
        let body = json!({ "bodyType": "raw", "raw": { "a": ["{{#x}}"] } });
        check(json!({ "method": "GET", "body": body }), "The body cannot be read: {{#x}}");
        check(json!({ "method": "GET", "configType": "mssql" }), "type mssql are not supported");
    }
}
