//! Inputs and outputs of routines, and of trees that declare any.

use crate::check::nearest;
use crate::definition::Field;
use serde_json::{Map, Value};

/// What a run is given: declared inputs with their defaults, and whatever else came along.
pub(crate) fn complete(
    fields: &[Field],
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut inputs = given.clone();
    for field in fields {
        let value = inputs.entry(field.name.clone()).or_insert(Value::Null);
        if is_blank(value) {
            *value = field.default_value.as_str().into();
        }
        if is_blank(value) {
            if field.required {
                return Err(format!("The input \"{}\" is required and blank.", field.name));
            }
            continue;
        }
        if !is_of(&field.kind, value) {
            return Err(format!("The input \"{}\" must be a {}.", field.name, field.kind));
        }
    }
    Ok(inputs)
}

/// The name of a given input that is not declared, with the nearest that is.
pub(crate) fn unknown(fields: &[Field], given: &Map<String, Value>) -> Option<String> {
    let declared = |name: &String| fields.iter().any(|f| f.name == *name);
    let name = given.keys().find(|name| !declared(name))?;
    Some(match nearest(name, fields.iter().map(|f| f.name.as_str())) {
        Some(near) => format!("There is no input \"{name}\"; did you mean \"{near}\"?"),
        None => format!("There is no input \"{name}\"."),
    })
}

/// What a finished routine leaves: declared outputs that no Return node named are blank.
pub(crate) fn outputs(fields: &[Field], named: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut outputs: Map<String, Value> =
        fields.iter().map(|f| (f.name.clone(), f.default_value.as_str().into())).collect();
    outputs.extend(named.cloned().unwrap_or_default());
    outputs
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Whether a value, or the text of one, is of a declared type; texts are of every other.
fn is_of(kind: &str, value: &Value) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text.trim()).ok();
    let read = match value {
        Value::String(text) => read(text),
        other => Some(other.clone()),
    };
    match kind.trim().to_ascii_lowercase().as_str() {
        "number" => read.is_some_and(|v| v.is_number()),
        "boolean" => read.is_some_and(|v| v.is_boolean()),
        "json" => read.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(name: &str, kind: &str, default: &str, required: bool) -> Field {
        Field {
            name: name.into(),
            kind: kind.into(),
            default_value: default.into(),
            required,
            ..Field::default()
        }
    }

    #[test]
    fn inputs_are_completed_and_checked() {
        let fields = [field("Name", "", "", true), field("Count", "number", "1", false)];
        let complete = |given: Value| complete(&fields, given.as_object().unwrap());
        let whole = complete(json!({ "Name": "Ann" })).unwrap();
        assert_eq!(Value::Object(whole), json!({ "Name": "Ann", "Count": "1" }));
        assert!(complete(json!({ "Name": " " })).unwrap_err().contains("\"Name\" is required"));
        let wrong = complete(json!({ "Name": "Ann", "Count": "many" })).unwrap_err();
        assert_eq!(wrong, "The input \"Count\" must be a number.");
        assert!(complete(json!({ "Name": "Ann", "Count": 3 })).is_ok());
        let odd = json!({ "Nmae": "Ann" });
        assert!(unknown(&fields, odd.as_object().unwrap()).unwrap().contains("did you mean"));
    }
}
