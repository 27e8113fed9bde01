//! Reads JSON bodies into typed inputs: every property is known, ignored by rule, or refused.

use crate::error::{Error, Problem};
use model::{Attributes, limits};
use serde_json::{Map, Value};

/// Properties of every record that clients send back as they read them; writes ignore them.
const READ_ONLY: &[&str] =
    &["id", "createdAt", "createdBy", "updatedAt", "updatedBy", "versionId", "messages", "details"];

/// A JSON body being read. Problems are collected; [`Reader::finish`] reports them together.
pub(crate) struct Reader<'a> {
    noun: &'static str,
    body: &'a Map<String, Value>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Opens a body whose properties are `known` (read or ignored here) or read-only everywhere.
    ///
    /// # Errors
    /// `Refused` when the body is not an object, or names the first property that is unknown.
    pub(crate) fn open(
        noun: &'static str,
        body: &'a Value,
        known: &[&'static str],
    ) -> Result<Self, Error> {
        let Some(body) = body.as_object() else {
            return Err(Error::refused(format!("The body must be a JSON object: the {noun}")));
        };
        for name in body.keys() {
            if !known.contains(&name.as_str()) && !READ_ONLY.contains(&name.as_str()) {
                return Err(unknown(noun, name, known));
            }
        }
        Ok(Self { noun, body, problems: Vec::new() })
    }

    /// Whether the property was sent.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.body.contains_key(name)
    }

    /// The property as it was sent.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name)
    }

    /// Notes a problem.
    pub(crate) fn problem(&mut self, property: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(property, message));
    }

    /// A text; null counts as blank text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.nullable_text(name).map(Option::unwrap_or_default)
    }

    /// A text or null.
    pub(crate) fn nullable_text(&mut self, name: &str) -> Option<Option<String>> {
        match self.body.get(name)? {
            Value::Null => Some(None),
            Value::String(text) => Some(Some(text.clone())),
            _ => {
                self.problem(name, format!("{} must be text", title(name)));
                None
            }
        }
    }

    /// A truth value; the texts `true` and `false` are understood.
    pub(crate) fn bool(&mut self, name: &str) -> Option<bool> {
        match self.body.get(name)? {
            Value::Bool(value) => Some(*value),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => {
                self.problem(name, format!("{} must be true or false", title(name)));
                None
            }
        }
    }

    /// A list; null counts as an empty one.
    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.body.get(name)? {
            Value::Null => Some(Vec::new()),
            Value::Array(items) => Some(items.clone()),
            _ => {
                self.problem(name, format!("{} must be a list", title(name)));
                None
            }
        }
    }

    /// Attributes, as `[{name, values}]` under `list` or as `{name: [values]}` under `map`.
    pub(crate) fn attributes(&mut self, list: &str, map: &str) -> Option<Attributes> {
        let (name, given) = match (self.body.get(map), self.body.get(list)) {
            (Some(given), _) => (map, given),
            (None, Some(given)) => (list, given),
            (None, None) => return None,
        };
        match read_attributes(given) {
            Ok(attributes) => Some(attributes),
            Err(message) => {
                self.problem(name, format!("{} {message}", title(name)));
                None
            }
        }
    }

    /// The properties among `names` that were sent, as they were sent.
    pub(crate) fn properties(&self, names: &[&str]) -> Map<String, Value> {
        let sent = self.body.iter().filter(|(name, _)| names.contains(&name.as_str()));
        sent.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Reports the problems, if there are any.
    ///
    /// # Errors
    /// `Invalid` with all problems noted.
    pub(crate) fn finish<T>(self, input: T) -> Result<T, Error> {
        if self.problems.is_empty() {
            return Ok(input);
        }
        Err(Error::Invalid { noun: self.noun, problems: self.problems })
    }
}

/// Reads attributes in either documented form.
fn read_attributes(given: &Value) -> Result<Attributes, &'static str> {
    let mut attributes = Attributes::new();
    match given {
        Value::Null => {}
        Value::Object(map) => {
            for (name, values) in map {
                attributes.insert(name.clone(), attribute_values(values)?);
            }
        }
        Value::Array(items) => {
            for item in items {
                let name = item.get("name").and_then(Value::as_str);
                let name = name.ok_or("must each have a name")?;
                let values = item.get("values").unwrap_or(&Value::Null);
                attributes.insert(name.to_owned(), attribute_values(values)?);
            }
        }
        _ => return Err("must be a list of names and values"),
    }
    let values = attributes.values().filter_map(Value::as_array).map(Vec::len).max();
    if attributes.len().max(values.unwrap_or(0)) > limits::ATTRIBUTES_MAX {
        return Err("must be no more than 500, with no more than 500 values each");
    }
    Ok(attributes)
}

fn attribute_values(given: &Value) -> Result<Value, &'static str> {
    match given {
        Value::Null => Ok(Value::Array(Vec::new())),
        Value::String(text) => Ok(Value::Array(vec![Value::String(text.clone())])),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            Ok(Value::Array(values.clone()))
        }
        _ => Err("must each have a list of texts as values"),
    }
}

/// Says that a property is not known, and which one may have been meant.
fn unknown(noun: &str, name: &str, known: &[&'static str]) -> Error {
    let hint = nearest(name, known).map(|near| format!(" Did you mean \"{near}\"?"));
    Error::refused(format!(
        "The \"{name}\" property is not a property of the {noun}.{}",
        hint.unwrap_or_default()
    ))
}

/// The known name nearest to a misspelt one, if any is near.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = name.to_lowercase();
    let near = known.iter().map(|k| (edits(&lower, &k.to_lowercase()), *k)).min()?;
    (near.0 <= 1 + name.chars().count() / 4).then_some(near.1)
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, cb) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(ca != *cb)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A property's name as a sentence begins with it: `displayName` becomes `Display Name`.
pub(crate) fn title(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for (i, c) in name.chars().enumerate() {
        if i == 0 {
            text.extend(c.to_uppercase());
        } else {
            if c.is_uppercase() {
                text.push(' ');
            }
            text.push(c);
        }
    }
    text
}

/// Merges properties as they were given; null removes one.
pub(crate) fn merge(properties: &mut Map<String, Value>, given: &Map<String, Value>) {
    for (name, value) in given {
        if value.is_null() {
            properties.shift_remove(name);
        } else {
            properties.insert(name.clone(), value.clone());
        }
    }
}

/// Sets attributes one by one; an empty list removes one.
pub(crate) fn set_attributes(attributes: &mut Attributes, changes: &Attributes) {
    for (name, values) in changes {
        if values.as_array().is_some_and(Vec::is_empty) {
            attributes.shift_remove(name);
        } else {
            attributes.insert(name.clone(), values.clone());
        }
    }
}

/// Makes a slug of a name: `Laptop Request!` becomes `laptop-request`.
pub(crate) fn slugify(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' });
    let words: String = letters.collect::<String>().to_lowercase();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

/// Checks texts and slugs of a record that is about to be written.
pub(crate) struct Checks {
    noun: &'static str,
    problems: Vec<Problem>,
}

impl Checks {
    pub(crate) fn of(noun: &'static str) -> Self {
        Self { noun, problems: Vec::new() }
    }

    /// Notes a problem.
    pub(crate) fn problem(&mut self, property: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(property, message));
    }

    /// A name: not blank, not longer than a name may be.
    pub(crate) fn name(&mut self, property: &str, value: &str) {
        if value.trim().is_empty() {
            self.problem(property, format!("{} must not be blank", title(property)));
        }
        self.at_most(property, value, limits::NAME_CHARS_MAX);
    }

    /// A slug: letters, digits, `-` and `_`, not blank.
    pub(crate) fn slug(&mut self, value: &str) {
        if value.is_empty() {
            self.problem("slug", "Slug must not be blank");
        } else if !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            self.problem("slug", "Slug may only contain letters, digits, dashes and underscores");
        }
        self.at_most("slug", value, limits::SLUG_CHARS_MAX);
    }

    /// A free text.
    pub(crate) fn free_text(&mut self, property: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.at_most(property, value, limits::TEXT_CHARS_MAX);
        }
    }

    /// One of a few values.
    pub(crate) fn one_of(&mut self, property: &str, value: &str, allowed: &[&str]) {
        if !allowed.contains(&value) {
            let allowed = allowed.join(", ");
            let property_title = title(property);
            self.problem(
                property,
                format!("{property_title} must be one of {allowed}, not \"{value}\""),
            );
        }
    }

    fn at_most(&mut self, property: &str, value: &str, max: usize) {
        if value.chars().nth(max).is_some() {
            let message = format!("{} must not be longer than {max} characters", title(property));
            self.problem(property, message);
        }
    }

    /// Reports the problems, if there are any.
    ///
    /// # Errors
    /// `Invalid` with all problems noted.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Error::Invalid { noun: self.noun, problems: self.problems })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_properties_are_named_with_the_nearest_known_one() {
        let check = |name: &str, expect: Option<&str>| {
            assert_eq!(nearest(name, &["name", "description", "spaceAdmin"]), expect, "{name}");
        };
        check("nmae", Some("name"));
        check("Name", Some("name"));
        check("descripton", Some("description"));
        check("spaceadmin", Some("spaceAdmin"));
        check("zebra", None);
        let body = json!({"nam": "x"});
        let error = Reader::open("Team", &body, &["name"]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "The \"nam\" property is not a property of the Team. Did you mean \"name\"?"
        );
    }

    #[test]
    fn attributes_are_read_in_both_forms() {
        let check = |given: Value, expect: Result<Value, &str>| {
            assert_eq!(read_attributes(&given).map(Value::Object), expect, "{given}");
        };
        check(json!({"A": ["1", "2"], "B": "x"}), Ok(json!({"A": ["1", "2"], "B": ["x"]})));
        check(json!([{"name": "A", "values": ["1"]}]), Ok(json!({"A": ["1"]})));
        check(json!([{"values": ["1"]}]), Err("must each have a name"));
        check(json!({"A": [1]}), Err("must each have a list of texts as values"));
        check(Value::Null, Ok(json!({})));
    }

    #[test]
    fn titles_split_words() {
        assert_eq!(title("displayName"), "Display Name");
        assert_eq!(title("name"), "Name");
    }
}
