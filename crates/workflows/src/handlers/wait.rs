//! `system_wait_v1`: goes on after a while.

use super::{Action, Effect, Handler, Inputs, Parameter, Work, required};

/// Microseconds of each documented unit.
const UNITS: &[(&str, i64)] = &[
    ("second", 1_000_000),
    ("minute", 60_000_000),
    ("hour", 3_600_000_000),
    ("day", 86_400_000_000),
    ("week", 604_800_000_000),
];

pub(super) const HANDLER: Handler = Handler {
    id: "system_wait_v1",
    name: "Wait",
    description: "Goes on after the given time; the run survives restarts meanwhile.",
    parameters: &[
        required("Time to wait", "How many units to wait; fractions are allowed."),
        Parameter {
            id: "Time unit",
            description: "The unit.",
            required: true,
            options: &["Second", "Minute", "Hour", "Day", "Week"],
        },
    ],
    open: false,
    results: &[],
    effect: Effect::Pure,
    deferrable: true,
    work: Work::Act(act),
};

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let text = inputs.required("Time to wait")?.trim();
    let amount: f64 =
        text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0).ok_or_else(|| {
            format!("\"Time to wait\" must be a number that is not negative: {text}")
        })?;
    let unit = inputs.required("Time unit")?.trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('s').unwrap_or(&unit);
    let (_, micros) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| "\"Time unit\" must be Second, Minute, Hour, Day or Week.".to_owned())?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the cast saturates, and microseconds of a wait need no more than 53 bits"
    )]
    let wait = (amount * *micros as f64) as i64;
    Ok(Action::Wait(model::time::Micros(inputs.now.0.saturating_add(wait))))
}
