//! `utilities_defer_v1`: waits until somebody completes it by its token.

use super::{Action, Effect, Handler, Output, Work, optional};
use serde_json::{Map, Value};

pub(super) const HANDLER: Handler = Handler {
    id: "utilities_defer_v1",
    name: "Defer",
    description: "Waits until somebody completes it by its token.",
    parameters: &[optional("deferral_value", "A text kept with the node for people to see.")],
    open: false,
    results: &[Output {
        name: "deferral_token",
        description: "The token by which it is completed; known to its Create connectors.",
    }],
    effect: Effect::Pure,
    deferrable: true,
    work: Work::Act(|inputs| {
        let mut results = Map::new();
        results.insert("deferral_token".into(), Value::from(inputs.token));
        Ok(Action::Defer(results))
    }),
};
