//! `system_join_v1`: goes on when all, any or some of its incoming connectors have fired.

use super::{Effect, Handler, Parameter, Work, optional};

pub(super) const HANDLER: Handler = Handler {
    id: "system_join_v1",
    name: "Join",
    description: "Goes on once, when all, any or some of its incoming connectors have fired.",
    parameters: &[
        Parameter {
            id: "type",
            description: "How many connectors it waits for.",
            required: true,
            options: &["All", "Any", "Some"],
        },
        optional("number", "How many, for the type Some."),
    ],
    open: false,
    results: &[],
    effect: Effect::Pure,
    deferrable: false,
    work: Work::Join,
};
