//! `system_start_v1`: where every run begins.

use super::{Action, Effect, Handler, Work};
use serde_json::Map;

pub(super) const HANDLER: Handler = Handler {
    id: "system_start_v1",
    name: "Start",
    description: "Where every run begins. Its node id is \"start\".",
    parameters: &[],
    open: false,
    results: &[],
    effect: Effect::Pure,
    deferrable: false,
    work: Work::Act(|_| Ok(Action::Done(Map::new()))),
};
