//! `system_integration_v1`: calls an operation of a connection.

use super::{Action, Effect, Handler, Inputs, OperationCall, Outside, Work, required};

/// What the parameters of an operation's inputs begin with.
pub(crate) const INPUT: &str = "parameters.";

pub(super) const HANDLER: Handler = Handler {
    id: "system_integration_v1",
    name: "Integration",
    description: "Calls an operation of a connection with parameters.<Input>; its results are the \
        operation's outputs. A GET may be repeated; a repeat of any other method carries the same \
        Idempotency-Key; a statement is repeated when it begins with SELECT.",
    parameters: &[
        required("connection", "The connection's id or name."),
        required("operation", "The operation's id or name."),
    ],
    open: true,
    results: &[],
    effect: Effect::Keyed,
    deferrable: true,
    work: Work::Act(act),
};

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let given = inputs.parameters.iter().filter_map(|(id, value)| {
        id.strip_prefix(INPUT).map(|name| (name.to_owned(), value.clone()))
    });
    Ok(Action::Outside(Outside::Operation(OperationCall {
        connection: inputs.required("connection")?.trim().to_owned(),
        operation: inputs.required("operation")?.trim().to_owned(),
        inputs: given.collect(),
    })))
}
