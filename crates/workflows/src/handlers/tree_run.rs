//! `kinetic_task_tree_run_v1`: starts a run of another tree and goes on.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Work, optional, required};

pub(super) const HANDLER: Handler = Handler {
    id: "kinetic_task_tree_run_v1",
    name: "Run Tree",
    description: "Starts a run of another tree and goes on at once. To wait for what comes of it, \
                  call a routine.",
    parameters: &[
        required("source", "The tree's source."),
        required("group", "The tree's group."),
        required("tree_name", "The tree's name."),
        optional("body", "The run's source data, usually JSON."),
    ],
    open: false,
    results: &[Output { name: "run_id", description: "The number of the run." }],
    // It happens in the transaction that records the task, so it is never in doubt.
    effect: Effect::Keyed,
    deferrable: false,
    work: Work::Act(act),
};

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let text = |id: &str| inputs.required(id).map(|text| text.trim().to_owned());
    Ok(Action::Outside(Outside::RunTree {
        source: text("source")?,
        group: text("group")?,
        name: text("tree_name")?,
        body: inputs.text("body").to_owned(),
    }))
}
