//! What is taken from an answer: JavaScript expressions over `body`, `headers` and `statusCode`,
//! and for each item of a list over `current`.

use super::{Error, Kind, Program, engine};
use serde_json::{Map, Value};

/// The outputs of an operation, in order.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    pub(super) outputs: Vec<Output>,
}

/// One output.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) name: String,
    /// `None` for a blank expression, whose value is null.
    pub(super) program: Option<Program>,
    /// Expressions for each item of the value, by name.
    pub(super) children: Vec<(String, Option<Program>)>,
}

/// An answer that outputs are taken from.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The body: what its JSON says, or a text.
    pub body: Value,
    /// The headers by their name in lower case.
    pub headers: Value,
    /// The status.
    pub status: u16,
}

impl Outputs {
    /// Adds an output with its children; all of them are checked.
    ///
    /// # Errors
    /// [`Kind::Syntax`] with the place; the message names the child that is wrong.
    pub fn add<'a>(
        &mut self,
        name: &str,
        value: &str,
        children: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), Error> {
        let program = compile(value)?;
        let children = children.into_iter().map(|(child, text)| match compile(text) {
            Ok(program) => Ok((child.to_owned(), program)),
            Err(error) => Err(named(error, child)),
        });
        let children = children.collect::<Result<_, Error>>()?;
        self.outputs.push(Output { name: name.to_owned(), program, children });
        Ok(())
    }

    /// Evaluates every output, all of them within the limits of one evaluation. An output with
    /// children is a list of objects when its value is a list, one object when it is anything
    /// else but null.
    ///
    /// # Errors
    /// What an expression throws, and [`Kind::Limit`]; the message names the output.
    pub fn of(&self, answer: &Answer) -> Result<Map<String, Value>, Error> {
        if self.outputs.is_empty() {
            return Ok(Map::new());
        }
        engine::outputs(&self.outputs, answer)
    }
}

fn compile(text: &str) -> Result<Option<Program>, Error> {
    if text.trim().is_empty() { Ok(None) } else { Program::compile_mapping(text).map(Some) }
}

/// The error of an output or a child, by its name.
pub(super) fn named(mut error: Error, name: &str) -> Error {
    error.message = format!("\"{name}\": {}", error.message);
    error
}

/// The error of an output that is larger than the results of a task may be.
pub(super) fn too_large() -> String {
    format!("the value is over {} bytes", model::limits::RESULTS_BYTES_MAX)
}

/// The error of a list that is longer than children are made for.
pub(super) fn too_long(items: usize) -> Error {
    let max = model::limits::OPERATION_ITEMS_MAX;
    Error::new(Kind::Limit, format!("the list has {items} items, which is over {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer() -> Answer {
        Answer {
            body: json!({ "id": 7, "name": "Ann \u{2028}", "items": [{ "n": 1 }, { "n": 2 }] }),
            headers: json!({ "x-total": "2" }),
            status: 404,
        }
    }

    fn of(text: &str) -> Result<Value, Error> {
        let mut outputs = Outputs::default();
        outputs.add("Out", text, [])?;
        outputs.of(&answer()).map(|mut found| found["Out"].take())
    }

    #[test]
    fn values_are_taken_from_an_answer() {
        let check = |text: &str, expect: Value| assert_eq!(of(text), Ok(expect), "{text}");
        check("body.id", json!(7));
        check("body.name", json!("Ann \u{2028}"));
        check("body.items?.length ?? 0", json!(2));
        check("body.missing?.[0]?.id ?? null", json!(null));
        check("body.missing", json!(null));
        check("statusCode", json!(404));
        check("headers['x-total']", json!("2"));
        check("typeof current", json!("undefined"));
        check("({...body, items: undefined})", json!({ "id": 7, "name": "Ann \u{2028}" }));
        check("", json!(null));
    }

    #[test]
    fn children_are_made_for_each_item() {
        let check = |value: &str, expect: Value| {
            let mut outputs = Outputs::default();
            let children = [("N", "current.n"), ("Of", "body.id"), ("None", "")];
            outputs.add("Out", value, children).unwrap();
            assert_eq!(outputs.of(&answer()).unwrap()["Out"], expect, "{value}");
        };
        let item = |n: Value| json!({ "N": n, "Of": 7, "None": null });
        check("body.items", json!([item(json!(1)), item(json!(2))]));
        check("body.items[1]", item(json!(2)));
        check("body.missing", json!(null));
        check("[]", json!([]));
    }

    #[test]
    fn mistakes_name_the_output_and_its_place() {
        let thrown = of("body.missing\n  .id").unwrap_err();
        assert_eq!(thrown.kind, Kind::Thrown);
        assert!(thrown.message.starts_with("\"Out\": TypeError"), "{thrown}");
        assert_eq!(of("body.").unwrap_err().kind, Kind::Syntax);
        assert_eq!(of("1); (2").unwrap_err().kind, Kind::Syntax);
        assert_eq!(of("var a = 1; a").unwrap_err().kind, Kind::Syntax);
        assert_eq!(of("(() => { for (;;) {} })()").unwrap_err().kind, Kind::Limit);
        assert_eq!(of("'x'.repeat(2e6)").unwrap_err().kind, Kind::Thrown);
        assert_eq!(of("(globalThis.leak = 1)").unwrap_err().kind, Kind::Thrown);
        let mut outputs = Outputs::default();
        outputs.add("Out", "body.items", [("N", "current.missing.n")]).unwrap();
        let thrown = outputs.of(&answer()).unwrap_err();
        assert!(thrown.message.starts_with("\"Out\": \"N\": TypeError"), "{thrown}");
        let mut outputs = Outputs::default();
        let syntax = outputs.add("Out", "body", [("N", "current.")]).unwrap_err();
        assert!(syntax.message.starts_with("\"N\": "), "{syntax}");
    }
}
