//! `system_submission_update_v1`: changes a submission.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Parameter, SubmissionUpdate, Work};
use super::{optional, required, values};

pub(super) const HANDLER: Handler = Handler {
    id: "system_submission_update_v1",
    name: "Update Submission",
    description: "Sets values of a submission, or moves it to another core state.",
    parameters: &[
        required("id", "The submission's id."),
        Parameter {
            id: "coreState",
            description: "The core state to move it to; blank leaves it.",
            required: false,
            options: &["Draft", "Submitted", "Closed"],
        },
        optional("currentPage", "The page to put it on; blank leaves it."),
        optional("values", "A JSON object of values; values.<Field> sets a single one."),
    ],
    open: true,
    results: &[
        Output { name: "Id", description: "The submission's id." },
        Output { name: "Handle", description: "Its handle." },
    ],
    effect: Effect::Keyed,
    deferrable: true,
    work: Work::Act(act),
};

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    Ok(Action::Outside(Outside::SubmissionUpdate(SubmissionUpdate {
        id: inputs.required("id")?.trim().to_owned(),
        core_state: inputs.text("coreState").trim().to_owned(),
        current_page: inputs.text("currentPage").trim().to_owned(),
        values: values(inputs)?,
    })))
}
