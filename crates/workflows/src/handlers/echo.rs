//! `utilities_echo_v1`: answers what it is given; the way to compute a value once.

use super::{Action, Effect, Handler, Output, Work, required};
use serde_json::{Map, Value};

pub(super) const HANDLER: Handler = Handler {
    id: "utilities_echo_v1",
    name: "Echo",
    description: "Answers its input, so that a value is computed once and found by later nodes.",
    parameters: &[required("input", "The text to answer.")],
    open: false,
    results: &[Output { name: "output", description: "The input as it was evaluated." }],
    effect: Effect::Pure,
    deferrable: true,
    work: Work::Act(|inputs| {
        let mut results = Map::new();
        results.insert("output".into(), Value::from(inputs.text("input")));
        Ok(Action::Done(results))
    }),
};
