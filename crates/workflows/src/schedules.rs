//! Schedules: trees that start by the clock.
//!
//! Whoever finds a schedule due takes it by its row, in the transaction that starts the run: of
//! many nodes one starts it, once for each time. Times that passed while nothing ran are made up
//! for by one run.

use crate::actor::Actor;
use crate::cron::Cron;
use crate::engine::{StartOutcome, StartRequest, TreeRef};
use crate::error::{Error, Result};
use crate::{Workflows, engine, text};
use jiff::tz::TimeZone;
use model::Audit;
use model::id::{RunId, TraceId};
use model::limits;
use model::time::Micros;
use serde_json::json;
use store::schedules::{self, Schedule};

/// Schedules that a list shows, and that a space should have.
const LIST_ROWS: i64 = 1_000;
/// Schedules taken at once.
const DUE_ROWS: i64 = 100;
/// Times that a preview shows at most.
pub const PREVIEW_MAX: usize = 100;

/// What a client says about a schedule; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct ScheduleInput {
    /// Its name.
    pub name: Option<String>,
    /// The tree's source, group and name.
    pub tree: Option<[String; 3]>,
    /// When.
    pub cron: Option<String>,
    /// Where.
    pub time_zone: Option<String>,
    /// The source data of its runs.
    pub data: Option<String>,
    /// Whether it starts anything.
    pub enabled: Option<bool>,
}

impl Workflows {
    /// Lists schedules by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn schedules(&self, actor: &Actor) -> Result<Vec<Schedule>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(schedules::list(tx, &space, LIST_ROWS)?)).await
    }

    /// A schedule.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn schedule(&self, actor: &Actor, name: &str) -> Result<Schedule> {
        let (space, wanted) = (actor.space_id.clone(), name.to_owned());
        let found: Option<Schedule> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(schedules::by_name(tx, &space, &wanted)?))
            .await?;
        found.ok_or_else(|| Error::not_found("schedule", name))
    }

    /// Creates a schedule.
    ///
    /// # Errors
    /// `Invalid`, `Taken`.
    pub async fn create_schedule(&self, actor: &Actor, input: ScheduleInput) -> Result<Schedule> {
        let now = self.inner.runtime.now();
        let blank = Schedule {
            id: self.inner.runtime.uuid().to_string(),
            space_id: actor.space_id.clone(),
            name: String::new(),
            source: String::new(),
            group: String::new(),
            tree: String::new(),
            cron: String::new(),
            time_zone: self.inner.time_zone.clone(),
            data: String::new(),
            enabled: true,
            next_at: None,
            last_at: None,
            last_run_id: None,
            last_message: None,
            audit: Audit::created(now, &actor.username),
        };
        let schedule = changed(blank, input, now)?;
        let made = schedule.clone();
        let written = self.inner.store.write(move |tx| schedules::insert(tx, &made)).await;
        written.map_err(|error| taken(error, &schedule.name))?;
        self.inner.background.notify_one();
        Ok(schedule)
    }

    /// Changes a schedule; its next time is counted from now.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Taken`.
    pub async fn update_schedule(
        &self,
        actor: &Actor,
        name: &str,
        input: ScheduleInput,
    ) -> Result<Schedule> {
        let now = self.inner.runtime.now();
        let before = self.schedule(actor, name).await?;
        let mut schedule = changed(before, input, now)?;
        schedule.audit.touch(now, &actor.username);
        let made = schedule.clone();
        let written = self.inner.store.write(move |tx| schedules::update(tx, &made)).await;
        if !written.map_err(|error| taken(error, &schedule.name))? {
            return Err(Error::not_found("schedule", name));
        }
        self.inner.background.notify_one();
        Ok(schedule)
    }

    /// Deletes a schedule; its runs stay.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_schedule(&self, actor: &Actor, name: &str) -> Result<Schedule> {
        let schedule = self.schedule(actor, name).await?;
        let id = schedule.id.clone();
        let deleted = self.inner.store.write(move |tx| schedules::delete(tx, &id)).await;
        deleted.map_err(Error::Store)?;
        Ok(schedule)
    }

    /// The next times of a schedule, whether it exists or not.
    ///
    /// # Errors
    /// `Invalid` for fields or a zone that cannot be read.
    pub fn preview_schedule(
        &self,
        cron: &str,
        time_zone: Option<&str>,
        count: usize,
    ) -> Result<Vec<Micros>> {
        let zone = zone(time_zone.unwrap_or(&self.inner.time_zone))?;
        let cron = Cron::read(cron).map_err(Error::Invalid)?;
        let mut at = self.inner.runtime.now();
        let next = || {
            at = cron.next(at, &zone)?;
            Some(at)
        };
        Ok(std::iter::from_fn(next).take(count.min(PREVIEW_MAX)).collect())
    }
}

fn changed(mut schedule: Schedule, input: ScheduleInput, now: Micros) -> Result<Schedule> {
    if let Some(name) = &input.name {
        schedule.name = name.clone();
    }
    schedule.name = text::name("name", &schedule.name)?;
    if let Some([source, group, tree]) = input.tree {
        (schedule.source, schedule.group, schedule.tree) = (source, group, tree);
    }
    schedule.source = text::name("source name", &schedule.source)?;
    schedule.group = text::name("source group", &schedule.group)?;
    schedule.tree = text::name("tree name", &schedule.tree)?;
    schedule.cron = input.cron.unwrap_or(schedule.cron);
    schedule.time_zone = input.time_zone.unwrap_or(schedule.time_zone);
    schedule.data = input.data.unwrap_or(schedule.data);
    schedule.enabled = input.enabled.unwrap_or(schedule.enabled);
    if schedule.data.len() > limits::PAYLOAD_BYTES_MAX {
        let most = limits::PAYLOAD_BYTES_MAX;
        return Err(Error::Invalid(format!("The data is longer than {most} bytes.")));
    }
    let cron = Cron::read(&schedule.cron).map_err(Error::Invalid)?;
    let next = cron.next(now, &zone(&schedule.time_zone)?);
    if next.is_none() {
        return Err(Error::Invalid(format!("\"{}\" never comes.", schedule.cron)));
    }
    schedule.next_at = next.filter(|_| schedule.enabled);
    Ok(schedule)
}

/// Whether this is the name of a time zone.
pub fn is_zone(name: &str) -> bool {
    zone(name).is_ok()
}

pub(crate) fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name.trim())
        .map_err(|_| Error::Invalid(format!("There is no time zone \"{name}\".")))
}

fn taken(error: store::Error, name: &str) -> Error {
    match error {
        store::Error::Unique { .. } => {
            Error::Taken(format!("A schedule named \"{name}\" exists already."))
        }
        other => Error::Store(other),
    }
}

impl engine::Inner {
    /// Starts the runs of schedules that are due; when the next one is.
    pub(crate) async fn start_scheduled(
        self: &std::sync::Arc<Self>,
        now: Micros,
    ) -> Option<Micros> {
        let due = self.store.read(move |tx| schedules::due(tx, now, DUE_ROWS)).await;
        for schedule in due.unwrap_or_default() {
            let engine = Workflows { inner: std::sync::Arc::clone(self) };
            let name = schedule.name.clone();
            let space = schedule.space_id.clone();
            let trace = TraceId(self.runtime.uuid().to_string());
            let fired = self.store.write(move |tx| fire(tx, &engine, &schedule, &trace, now)).await;
            match fired {
                Ok(Some(run)) => self.wake(run),
                Ok(None) => {}
                Err(error) => tracing::warn!(name, %error, "a schedule could not start its run"),
            }
            self.changes.publish(&space, runtime::changes::Topic::Trees);
        }
        self.store.read(schedules::next).await.ok().flatten()
    }
}

/// Takes a schedule and starts its run, or does neither.
fn fire(
    tx: &mut store::Tx,
    engine: &Workflows,
    schedule: &Schedule,
    trace: &TraceId,
    now: Micros,
) -> std::result::Result<Option<RunId>, store::Error> {
    let Some(due) = schedule.next_at else { return Ok(None) };
    let next = Cron::read(&schedule.cron)
        .ok()
        .zip(zone(&schedule.time_zone).ok())
        .and_then(|(cron, zone)| cron.next(now, &zone));
    if !schedules::take(tx, &schedule.id, due, next, due)? {
        return Ok(None);
    }
    let data = if schedule.data.trim().is_empty() {
        json!({ "schedule": { "name": schedule.name, "scheduledAt": due.iso() } }).to_string()
    } else {
        schedule.data.clone()
    };
    let request = StartRequest {
        space_id: schedule.space_id.clone(),
        tree: TreeRef::Title {
            source: schedule.source.clone(),
            group: schedule.group.clone(),
            name: schedule.tree.clone(),
        },
        job_id: None,
        key: Some(format!("schedule {} {}", schedule.id, due.iso())),
        parent: None,
        root_id: None,
        inputs: None,
        event_id: None,
        trace_id: trace.clone(),
        depth: 0,
        record_id: None,
        data: Some(data),
        payload: None,
        at: now,
        actor: schedule.audit.updated_by.clone(),
        originator: format!("Schedule \"{}\"", schedule.name),
    };
    let (run, message) = match engine.start(tx, &request)? {
        StartOutcome::Started { run, .. } => (Some(run), format!("Initiated run #{run}.")),
        StartOutcome::Refused { message, .. } => (None, message),
    };
    schedules::tell(tx, &schedule.id, run, &message)?;
    Ok(run)
}
