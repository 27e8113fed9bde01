//! `kapok_javascript_v1`: computes results in JavaScript.

use super::{Action, Effect, Handler, Inputs, Output, Work, as_texts, optional, required};
use expr::js::Code;
use model::limits;
use serde_json::{Map, Value};

/// The id of the handler.
pub(crate) const ID: &str = "kapok_javascript_v1";
/// The parameter that holds the code.
pub(crate) const CODE: &str = "code";
/// The parameters that are not inputs.
const OWN: [&str; 2] = [CODE, "inputs"];

pub(super) const HANDLER: Handler = Handler {
    id: ID,
    name: "JavaScript",
    description: "Runs JavaScript: the body of a function of `inputs`. Each property of the object \
                  it returns is a result; any other value is the result `output`. It computes, \
                  and reaches nothing outside.",
    parameters: &[
        required(CODE, "The body of the function, such as return {sum: inputs.a + inputs.b}."),
        optional("inputs", "A JSON object of inputs; further parameters are inputs as texts."),
    ],
    open: true,
    results: &[Output { name: "output", description: "The value, when it is no object." }],
    effect: Effect::Pure,
    deferrable: true,
    work: Work::Act(act),
};

/// What is wrong with the code of a node, as it was written; code that is only made when the run
/// gets there is not looked at.
pub(crate) fn problem(code: &str) -> Option<expr::js::Error> {
    if code.trim().is_empty() || code.contains("<%") {
        return None;
    }
    Code::compile(code).err()
}

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let code = Code::compile(inputs.required(CODE)?).map_err(|e| e.to_string())?;
    let mut given = match inputs.text("inputs").trim() {
        "" => Map::new(),
        text => match serde_json::from_str(text) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err("The parameter \"inputs\" must be a JSON object.".into()),
            Err(e) => return Err(format!("The parameter \"inputs\" is not JSON: {e}")),
        },
    };
    let others = inputs.parameters.iter().filter(|(id, _)| !OWN.contains(&id.as_str()));
    given.extend(others.map(|(id, value)| (id.clone(), value.clone())));
    let returned = code.run(&Value::Object(given)).map_err(|e| e.to_string())?;
    let results = match returned {
        Some(Value::Object(object)) => object,
        Some(value) => Map::from_iter([("output".to_owned(), value)]),
        None => Map::new(),
    };
    let results = as_texts(results);
    let bytes: usize = results.iter().map(|(n, v)| n.len() + v.as_str().map_or(0, str::len)).sum();
    if bytes > limits::RESULTS_BYTES_MAX {
        let most = limits::RESULTS_BYTES_MAX;
        return Err(format!("The results have {bytes} bytes; at most {most} are kept."));
    }
    Ok(Action::Done(results))
}
