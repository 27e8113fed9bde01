//! `system_submission_create_v1`: creates a submission, once for each task.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Parameter, SubmissionCreate, Work};
use super::{optional, required, values};

pub(super) const HANDLER: Handler = Handler {
    id: "system_submission_create_v1",
    name: "Create Submission",
    description: "Creates a submission; a repeat of the same task finds the one it made.",
    parameters: &[
        optional("kappSlug", "The kapp; blank for a datastore form."),
        required("formSlug", "The form."),
        Parameter {
            id: "coreState",
            description: "The core state it is created in; Submitted when blank.",
            required: false,
            options: &["Draft", "Submitted", "Closed"],
        },
        optional("currentPage", "The page it stands on."),
        optional("origin", "Id of the submission it originates from."),
        optional("parent", "Id of the submission it belongs to."),
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
    let text = |id: &str| inputs.text(id).trim().to_owned();
    Ok(Action::Outside(Outside::SubmissionCreate(SubmissionCreate {
        kapp_slug: text("kappSlug"),
        form_slug: inputs.required("formSlug")?.trim().to_owned(),
        core_state: text("coreState"),
        current_page: text("currentPage"),
        origin: text("origin"),
        parent: text("parent"),
        values: values(inputs)?,
    })))
}
