//! `system_loop_tail_v1`: where the iterations of a loop end.

use super::{Effect, Handler, Parameter, Work, optional};

pub(super) const HANDLER: Handler = Handler {
    id: "system_loop_tail_v1",
    name: "Loop Tail",
    description: "Goes on once, when so many iterations of its loop have arrived.",
    parameters: &[
        Parameter {
            id: "type",
            description: "How many iterations it waits for.",
            required: true,
            options: &["All", "Any", "Some"],
        },
        optional("number", "How many, for the type Some."),
    ],
    open: false,
    results: &[],
    effect: Effect::Pure,
    deferrable: false,
    work: Work::LoopTail,
};
