//! `utilities_create_trigger_v1`: completes or updates a deferral by its token.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Parameter, Work};
use super::{optional, read_results, required};

pub(super) const HANDLER: Handler = Handler {
    id: "utilities_create_trigger_v1",
    name: "Create Trigger",
    description: "Completes or updates a deferred node, of this or another run, by its token.",
    parameters: &[
        Parameter {
            id: "action_type",
            description: "Whether to complete or to update.",
            required: true,
            options: &["Complete", "Update"],
        },
        required("deferral_token", "The token of the deferred node."),
        optional(
            "deferred_variables",
            "Results: <results><result name=\"…\">…</result></results>.",
        ),
        optional("message", "A message kept with the deferred node."),
    ],
    open: false,
    results: &[
        Output { name: "trigger_id", description: "The trigger's number." },
        Output { name: "run_id", description: "The run the deferred node belongs to." },
    ],
    // It happens in the transaction that records the task, so it is never in doubt.
    effect: Effect::Keyed,
    deferrable: false,
    work: Work::Act(act),
};

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let complete = match inputs.required("action_type")?.trim().to_ascii_lowercase().as_str() {
        "complete" => true,
        "update" => false,
        _ => return Err("\"action_type\" must be Complete or Update.".into()),
    };
    Ok(Action::Outside(Outside::CreateTrigger {
        complete,
        token: inputs.required("deferral_token")?.trim().to_owned(),
        results: read_results(inputs.text("deferred_variables"))?,
        message: inputs.text("message").to_owned(),
    }))
}
