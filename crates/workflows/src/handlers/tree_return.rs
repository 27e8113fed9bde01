//! `system_tree_return_v1`: names the run's outputs.

use super::{Action, Effect, Handler, Work};

pub(super) const HANDLER: Handler = Handler {
    id: "system_tree_return_v1",
    name: "Return",
    description: "Names the run's outputs: of a routine, or the answer of a web API.",
    parameters: &[],
    open: true,
    results: &[],
    effect: Effect::Pure,
    deferrable: false,
    work: Work::Act(|inputs| Ok(Action::Return(inputs.parameters.clone()))),
};
