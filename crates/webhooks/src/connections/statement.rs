//! The statement of an operation on a database. Inputs stand in its parameters only: within the
//! statement they would become SQL.

use super::template::{Place, Template, Values};
use model::connection::{Input, POSTGRES, only_reads};
use model::limits;
use serde_json::{Map, Value, json};

/// A statement with its parameters, parsed.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) text: String,
    /// Each as it was written and as it was read.
    parameters: Vec<(String, Template)>,
}

impl Statement {
    /// The statement that tests a connection.
    pub(super) fn probe() -> Self {
        Self { text: "SELECT 1".to_owned(), parameters: Vec::new() }
    }

    /// Reads the document.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(given: &Map<String, Value>) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let known = ["configType", "statement", "parameters"];
        for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
            problems.push(format!("Unexpected field: config.{name}"));
        }
        let text = match given.get("statement") {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        problems.extend(wrong_with(&text));
        let parameters = read_parameters(given.get("parameters"), &mut problems);
        if problems.is_empty() { Ok(Self { text, parameters }) } else { Err(problems) }
    }

    /// The document with what was left out filled in.
    pub(super) fn document(&self) -> Value {
        let parameters: Vec<_> = self.parameters.iter().map(|(written, _)| written).collect();
        json!({ "configType": POSTGRES, "statement": self.text, "parameters": parameters })
    }

    /// Whether it runs where nothing can be written.
    pub(super) fn only_reads(&self) -> bool {
        only_reads(&self.text)
    }

    /// The inputs it names, in order.
    pub(super) fn inputs(&self) -> Vec<Input> {
        let mut found = Vec::new();
        self.templates().for_each(|template| template.inputs(Place::Plain, &mut found));
        found
    }

    /// The secrets it names.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.templates().for_each(|template| template.secrets(&mut found));
        found
    }

    /// The parameters filled in; `None` is NULL.
    ///
    /// # Errors
    /// What is wrong with the inputs.
    pub(super) fn render(&self, values: &Values<'_>) -> Result<Vec<Option<String>>, String> {
        let filled = self.templates().map(|template| template.render_or_null(values));
        let filled: Vec<Option<String>> = filled.collect::<Result<_, _>>()?;
        let bytes: usize = filled.iter().flatten().map(String::len).sum();
        if bytes > limits::OPERATION_REQUEST_BYTES_MAX {
            let max = limits::OPERATION_REQUEST_BYTES_MAX;
            return Err(format!("The parameters would exceed {max} bytes"));
        }
        Ok(filled)
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.parameters.iter().map(|(_, template)| template)
    }
}

fn wrong_with(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("The statement must be given, as text".to_owned());
    }
    if text.chars().count() > limits::STATEMENT_CHARS_MAX {
        let max = limits::STATEMENT_CHARS_MAX;
        return Some(format!("The statement must not exceed {max} characters"));
    }
    if text.contains('\0') {
        return Some("The statement must not hold a zero character".to_owned());
    }
    text.contains("{{").then(|| {
        "The statement must not hold {{, since an input would become SQL: write $1, $2 and so on, \
         and put the inputs into the parameters. An array of arrays is written '{ {1,2} }'"
            .to_owned()
    })
}

fn read_parameters(given: Option<&Value>, problems: &mut Vec<String>) -> Vec<(String, Template)> {
    let given = match given {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(given)) => given,
        Some(_) => {
            problems.push("The parameters must be a list of texts".to_owned());
            return Vec::new();
        }
    };
    if given.len() > limits::STATEMENT_PARAMETERS_MAX {
        let max = limits::STATEMENT_PARAMETERS_MAX;
        problems.push(format!("There must not be more than {max} parameters"));
        return Vec::new();
    }
    let mut parameters = Vec::with_capacity(given.len());
    for (at, value) in given.iter().enumerate() {
        let written = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                problems.push(format!("The parameter ${} must be text", at + 1));
                continue;
            }
        };
        match Template::parse(&written) {
            Ok(template) => parameters.push((written, template)),
            Err(why) => problems.push(format!("The parameter ${} cannot be read: {why}", at + 1)),
        }
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read(config: &Value) -> Result<Statement, Vec<String>> {
        Statement::read(config.as_object().unwrap())
    }

    #[test]
    fn parameters_are_filled_in_and_the_statement_is_not() {
        let config = json!({ "statement": "SELECT $1, $2, $3, $4",
            "parameters": ["{{A}}", "x-{{A}}", "{{B}}", 1000] });
        let statement = read(&config).unwrap();
        let secrets = BTreeMap::new();
        let render = |inputs: Value| {
            let inputs = inputs.as_object().unwrap().clone();
            statement.render(&Values { inputs: &inputs, secrets: &secrets }).unwrap()
        };
        let some = |text: &str| Some(text.to_owned());
        let quoted = "'; DROP TABLE a; --";
        assert_eq!(
            render(json!({ "A": quoted, "B": "" })),
            [some(quoted), some("x-'; DROP TABLE a; --"), some(""), some("1000")],
        );
        assert_eq!(render(json!({ "B": null })), [None, some("x-"), None, some("1000")]);
        let names: Vec<_> = statement.inputs().into_iter().map(|input| input.name).collect();
        assert_eq!(names, ["A", "B"]);
        assert_eq!(statement.document()["parameters"][3], "1000");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |config: Value, expect: &str| {
            let problems = read(&config).unwrap_err().join(". ");
            assert!(problems.contains(expect), "{problems}");
        };
        check(json!({}), "must be given");
        check(json!({ "statement": "select * from {{Table}}" }), "put the inputs into the param");
        check(json!({ "statement": "x".repeat(20_001) }), "20000 characters");
        check(json!({ "statement": "SELECT 1", "path": "/" }), "Unexpected field: config.path");
        check(json!({ "statement": "SELECT $1", "parameters": {} }), "a list of texts");
        check(json!({ "statement": "SELECT $1", "parameters": [null] }), "$1 must be text");
        check(json!({ "statement": "SELECT $1", "parameters": ["{{A"] }), "$1 cannot be read");
        check(json!({ "statement": "S", "parameters": vec![""; 201] }), "200 parameters");
    }
}
