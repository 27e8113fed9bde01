//! What lanes look like from outside: for people, and for metrics.

use super::breaker::Gate;
use super::lane::{Lane, Status};
use super::{Name, Scheduler};
use model::id::{SpaceId, WebhookId};
use model::job::ErrorClass;
use model::lane::LaneId;
use std::time::Duration;

/// What a lane is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneState {
    /// Jobs wait or are under way, and nothing holds them.
    Flowing,
    /// Nothing waits and nothing is under way.
    Idle,
    /// A person paused its webhook, or everything; or its webhook is disabled.
    Paused,
    /// The endpoint asked to be left alone for a while.
    RetryAfter,
    /// The endpoint is down; nothing is tried for a while.
    BreakerOpen,
    /// The endpoint is back; what waited is let go in growing numbers.
    Ramping,
    /// Its rate holds it back at the moment.
    RateLimited,
}

impl LaneState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Flowing,
        Self::Idle,
        Self::Paused,
        Self::RetryAfter,
        Self::BreakerOpen,
        Self::Ramping,
        Self::RateLimited,
    ];

    /// The name on the wire and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flowing => "flowing",
            Self::Idle => "idle",
            Self::Paused => "paused",
            Self::RetryAfter => "retry_after",
            Self::BreakerOpen => "breaker_open",
            Self::Ramping => "ramping",
            Self::RateLimited => "rate_limited",
        }
    }

    /// Reads a name; `None` when there is no such state.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A lane at one moment; cheap to make, some hundred bytes. Times are on the clock that never goes
/// back.
#[derive(Clone, Debug)]
pub struct LaneView {
    /// The lane.
    pub id: LaneId,
    pub(crate) name: Name,
    /// What it is doing.
    pub state: LaneState,
    /// Until when it is held.
    pub until: Option<Duration>,
    /// Jobs that wait in memory.
    pub waiting: usize,
    /// Deliveries under way.
    pub running: usize,
    /// Deliveries it may have under way on this node.
    pub concurrency: usize,
    /// Starts in a second at most on this node.
    pub rate_per_second: Option<f64>,
    /// Milliseconds that half, and 99 of 100, of the latest attempts took at most.
    pub latency_ms: Option<(f64, f64)>,
    /// Since when the first job waits in memory.
    pub oldest_since: Option<Duration>,
    /// Deliveries since the lane is known.
    pub delivered: u64,
    /// Failed attempts since then.
    pub failed: u64,
    /// Failures since the last success.
    pub failed_in_row: u32,
    /// The last failure.
    pub last_error: Option<(ErrorClass, Duration)>,
}

impl LaneView {
    /// Scheme, host and port.
    pub fn endpoint(&self) -> &str {
        &self.name.endpoint
    }

    /// The webhook; `None` for jobs made by hand.
    pub fn webhook(&self) -> Option<&WebhookId> {
        self.name.webhook.as_ref()
    }

    /// The space.
    pub fn space(&self) -> &SpaceId {
        &self.name.space
    }
}

impl<T> Scheduler<T> {
    /// Every lane that is known.
    pub(crate) fn views(&mut self, now: Duration) -> Vec<LaneView> {
        self.lanes.iter_mut().map(|(id, lane)| view(*id, lane, now)).collect()
    }

    /// One lane.
    pub(crate) fn view(&mut self, id: LaneId, now: Duration) -> Option<LaneView> {
        self.lanes.get_mut(&id).map(|lane| view(id, lane, now))
    }
}

fn view<T>(id: LaneId, lane: &mut Lane<T>, now: Duration) -> LaneView {
    let paused = lane.paused_until.filter(|until| *until > now);
    let status = lane.status(now);
    let (state, until) = match lane.breaker.gate(now) {
        Gate::Shut(until) if paused.is_none_or(|paused| paused <= until) => {
            (LaneState::BreakerOpen, Some(until))
        }
        _ if paused.is_some() => (LaneState::RetryAfter, paused),
        Gate::Probe => (LaneState::BreakerOpen, None),
        _ if lane.breaker.ramp(now).is_some() => (LaneState::Ramping, None),
        _ => match status {
            Status::Until(at) => (LaneState::RateLimited, Some(at)),
            Status::Empty if lane.running == 0 => (LaneState::Idle, None),
            _ => (LaneState::Flowing, None),
        },
    };
    let quantile = |fraction| lane.latencies.quantile_ms(fraction);
    LaneView {
        id,
        name: lane.name.clone(),
        state,
        until,
        waiting: lane.waiting(),
        running: lane.running,
        concurrency: lane.places(),
        rate_per_second: lane.rate_allowed(),
        latency_ms: quantile(0.5).zip(quantile(0.99)),
        oldest_since: lane.oldest(),
        delivered: lane.delivered,
        failed: lane.failed,
        failed_in_row: lane.breaker.in_row(),
        last_error: lane.last_error,
    }
}
