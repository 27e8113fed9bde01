//! What a form's pages ask of the values of a submission.
//!
//! `required`, `visible`, page and section conditions are literals or JavaScript over the
//! submission's bindings; `pattern` and `constraints` are JavaScript as well, so that they mean
//! here what they mean in a browser. A script that fails, because it uses what only a browser has,
//! asks for nothing: a page that people fill in has checked it, and other callers are not stopped
//! by what they cannot see.

use expr::js::{Bindings, Filter};
use model::form::Form;
use serde_json::Value;
use std::collections::HashMap;

/// The rules of a form.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The pages, in order.
    pub pages: Vec<Page>,
    /// The fields, in the order they stand on the pages.
    pub fields: Vec<Field>,
    by_name: HashMap<String, usize>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its name.
    pub name: String,
    /// Whether it only tells that all is done.
    pub confirmation: bool,
    shown: Condition,
}

/// A field.
#[derive(Debug)]
pub(crate) struct Field {
    /// The name its value is kept by.
    pub name: String,
    /// The number of its page, from 0.
    pub page: usize,
    /// Whether any JSON is a value, or only texts.
    pub any_json: bool,
    label: String,
    required: Condition,
    required_message: Option<String>,
    shown: Vec<Condition>,
    checks: Vec<Check>,
}

/// Something a value must satisfy once it is not blank.
#[derive(Debug)]
struct Check {
    holds: Condition,
    message: String,
}

/// A literal or a script.
#[derive(Clone, Debug)]
enum Condition {
    Literal(bool),
    Script(Filter),
    /// A script that does not compile or cannot run here.
    Unknown,
}

impl Condition {
    /// Reads a truth value, its text, or an expression; what is absent or blank is `default`.
    fn read(value: Option<&Value>, default: bool) -> Self {
        match value {
            Some(Value::Bool(value)) => Self::Literal(*value),
            Some(Value::String(text)) => match text.trim() {
                "" => Self::Literal(default),
                "true" => Self::Literal(true),
                "false" => Self::Literal(false),
                script => Self::script(script),
            },
            _ => Self::Literal(default),
        }
    }

    fn script(text: &str) -> Self {
        Filter::compile(text).map_or(Self::Unknown, Self::Script)
    }

    /// Whether it holds; `None` when that cannot be told.
    fn holds(&self, bindings: &mut impl FnMut() -> Bindings) -> Option<bool> {
        match self {
            Self::Literal(value) => Some(*value),
            Self::Script(filter) => filter.evaluate(&bindings()).ok().map(|verdict| verdict.fires),
            Self::Unknown => None,
        }
    }
}

impl Rules {
    pub(crate) fn of(form: &Form) -> Self {
        let mut rules = Self::default();
        for page in &form.pages {
            let shown = Condition::read(page.get("displayCondition"), true);
            rules.pages.push(Page {
                name: text(page, "name").unwrap_or_default(),
                confirmation: text(page, "renderType").as_deref() == Some("confirmation"),
                shown: shown.clone(),
            });
            rules.collect(page, &[shown]);
        }
        let names = rules.fields.iter().enumerate();
        rules.by_name = names.map(|(i, field)| (field.name.clone(), i)).collect();
        rules
    }

    fn collect(&mut self, parent: &Value, shown: &[Condition]) {
        let elements = parent.get("elements").and_then(Value::as_array);
        for element in elements.into_iter().flatten() {
            let mut shown = shown.to_vec();
            shown.push(Condition::read(element.get("visible"), true));
            if text(element, "type").as_deref() == Some("field") {
                let page = self.pages.len().saturating_sub(1);
                self.fields.extend(Field::read(element, page, shown));
            } else {
                self.collect(element, &shown);
            }
        }
    }

    /// A field by name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).and_then(|i| self.fields.get(*i))
    }

    /// The number of a page, from 0.
    pub(crate) fn page(&self, name: &str) -> Option<usize> {
        self.pages.iter().position(|page| page.name == name)
    }

    /// The page that follows page number `from` (`None`: the first), among those that are to be
    /// filled in and shown.
    pub(crate) fn next_page(
        &self,
        from: Option<usize>,
        bindings: &mut impl FnMut() -> Bindings,
    ) -> Option<&Page> {
        let mut rest = self.pages.iter().skip(from.map_or(0, |from| from + 1));
        rest.find(|page| !page.confirmation && page.shown.holds(bindings) != Some(false))
    }

    /// The page that tells that all is done.
    pub(crate) fn confirmation(&self) -> Option<&Page> {
        self.pages.iter().find(|page| page.confirmation)
    }
}

impl Field {
    fn read(element: &Value, page: usize, shown: Vec<Condition>) -> Option<Self> {
        let name = text(element, "name")?;
        let data_type = text(element, "dataType");
        let mut checks = Vec::new();
        if let Some(pattern) = element.get("pattern")
            && let Some(regex) = text(pattern, "regex").filter(|regex| !regex.is_empty())
        {
            let script = format!(
                "new RegExp({}).test(String(values({})))",
                Value::from(regex),
                Value::from(name.as_str())
            );
            let message = text(pattern, "message").filter(|message| !message.is_empty());
            checks.push(Check {
                holds: Condition::script(&script),
                message: message.unwrap_or_else(|| format!("{name} does not have the right form")),
            });
        }
        let constraints = element.get("constraints").and_then(Value::as_array);
        for constraint in constraints.into_iter().flatten() {
            let definition = constraint.get("definition").or_else(|| constraint.get("expression"));
            let message = text(constraint, "message").filter(|message| !message.is_empty());
            checks.push(Check {
                holds: Condition::read(definition, true),
                message: message.unwrap_or_else(|| format!("{name} is not valid")),
            });
        }
        Some(Self {
            label: text(element, "label").filter(|l| !l.is_empty()).unwrap_or_else(|| name.clone()),
            name,
            page,
            any_json: matches!(data_type.as_deref(), Some("json" | "file")),
            required: Condition::read(element.get("required"), false),
            required_message: text(element, "requiredMessage").filter(|m| !m.is_empty()),
            shown,
            checks,
        })
    }

    /// What is wrong with the field's value, when it is looked at as part of a whole.
    pub(crate) fn problems(
        &self,
        value: &Value,
        bindings: &mut impl FnMut() -> Bindings,
    ) -> Vec<String> {
        if self.shown.iter().any(|shown| shown.holds(bindings) != Some(true)) {
            return Vec::new();
        }
        if is_blank(value) {
            if self.required.holds(bindings) != Some(true) {
                return Vec::new();
            }
            let message = self.required_message.clone();
            return vec![message.unwrap_or_else(|| format!("{} is required", self.label))];
        }
        let broken = self.checks.iter().filter(|check| check.holds.holds(bindings) == Some(false));
        broken.map(|check| check.message.clone()).collect()
    }

    /// Whether `value` is of a kind that the field can hold.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::String(_) => true,
            Value::Array(items) => {
                self.any_json || items.iter().all(|item| item.is_string() || item.is_object())
            }
            _ => self.any_json,
        }
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}
