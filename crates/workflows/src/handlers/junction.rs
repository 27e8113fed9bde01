//! `system_junction_v1`: goes on when nothing upstream can still arrive.

use super::{Effect, Handler, Work};

pub(super) const HANDLER: Handler = Handler {
    id: "system_junction_v1",
    name: "Junction",
    description: "Goes on once, when every branch towards it has got as far as it can.",
    parameters: &[],
    open: false,
    results: &[],
    effect: Effect::Pure,
    deferrable: false,
    work: Work::Junction,
};
