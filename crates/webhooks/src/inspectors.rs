//! Request inspectors: addresses of this server to point webhooks at while developing. Whatever
//! comes is recorded within bounds and answered as configured; whoever knows the address may send.
//!
//! What they answer is inert in a browser: the kinds of content that browsers execute are refused
//! at save, and so are headers that speak for the server.

mod pace;

pub(crate) use pace::Pace;

use crate::guard::INSPECT;
use crate::jobs::{Page, page, rows, token};
use crate::{Actor, Error, Webhooks};
use model::Audit;
use model::id::{InspectionId, InspectorId, JobId, SpaceId};
use model::inspector::{Inspection, Inspector, SignatureCheck};
use model::limits;
use runtime::changes::Topic;
use store::Tx;
use store::inspectors::Bounds;

const NOUN: &str = "Inspector";
const ADMINISTER: &str = "use request inspectors";
/// Random bytes of an inspector's address: more than anyone can guess.
const TOKEN_BYTES: usize = 20;
/// Requests that one purging transaction deletes.
const PURGE_ROWS: i64 = 200;

/// Headers that an inspector may not answer with: they frame the answer, or speak to browsers in
/// the server's name.
const OWN_HEADERS: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "keep-alive",
    "location",
    "refresh",
    "service-worker-allowed",
    "set-cookie",
    "strict-transport-security",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];
/// What an inspector's body may be, besides anything that ends in `+json`.
const TYPES: [&str; 6] = [
    "application/json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "application/xml",
    "text/csv",
    "text/plain",
];

/// What is given of an inspector; the rest stays, or is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InspectorInput {
    /// Its name.
    pub name: Option<String>,
    /// The status it answers with.
    pub status: Option<i64>,
    /// The headers it answers with.
    pub headers: Option<Vec<(String, String)>>,
    /// The body it answers with.
    pub body: Option<String>,
    /// Milliseconds it waits before it answers.
    pub delay_ms: Option<i64>,
}

/// A request on its way into an inspector.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query.
    pub query: String,
    /// The headers, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body, cut at [`limits::INSPECTION_BODY_BYTES_MAX`].
    pub body: Vec<u8>,
    /// Bytes of the whole body.
    pub size: usize,
    /// Where it came from.
    pub address: String,
}

/// What became of looking for an inspector by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knock {
    /// It is there and takes a request.
    Open(Box<Inspector>),
    /// There is none.
    Unknown,
    /// Too many requests; try again in so many seconds.
    Busy {
        /// Seconds.
        retry_after_s: i64,
    },
}

impl Webhooks {
    /// Lists the inspectors of the space, by name.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn inspectors(&self, actor: &Actor) -> Result<Vec<Inspector>, Error> {
        actor.must_administer(ADMINISTER)?;
        let space = actor.space_id.clone();
        self.read(move |tx| Ok(store::inspectors::of_space(tx, &space)?)).await
    }

    /// Reads an inspector.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn inspector(&self, actor: &Actor, id: &InspectorId) -> Result<Inspector, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, id) = (actor.space_id.clone(), id.clone());
        self.read(move |tx| find(tx, &space, &id)).await
    }

    /// Creates an inspector with an address of its own.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong, `Refused` when there are too many, `Forbidden`,
    /// `Store`.
    pub async fn create_inspector(
        &self,
        actor: &Actor,
        input: &InspectorInput,
    ) -> Result<Inspector, Error> {
        actor.must_administer(ADMINISTER)?;
        let runtime = &self.inner.runtime;
        let mut inspector = Inspector {
            id: InspectorId::new(runtime.uuid()),
            space_id: actor.space_id.clone(),
            name: String::new(),
            token: runtime.token(TOKEN_BYTES),
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: "{\"received\":true}".to_owned(),
            delay_ms: 0,
            last_request_at: None,
            audit: Audit::created(runtime.now(), &actor.username),
        };
        apply(&mut inspector, input)?;
        let written = self.inner.store.write(move |tx| {
            let known = store::inspectors::of_space(tx, &inspector.space_id)?;
            if known.len() >= limits::INSPECTORS_MAX {
                return Err(Error::refused(format!(
                    "There are {} inspectors already, which is the most one space may have",
                    known.len()
                )));
            }
            unique(&known, &inspector)?;
            store::inspectors::insert(tx, &inspector)?;
            Ok(inspector.clone())
        });
        let inspector = written.await?;
        self.inspectors_moved(&actor.space_id);
        Ok(inspector)
    }

    /// Changes an inspector: only what `input` holds.
    ///
    /// # Errors
    /// As [`Webhooks::create_inspector`], and `NotFound`.
    pub async fn update_inspector(
        &self,
        actor: &Actor,
        id: &InspectorId,
        input: &InspectorInput,
    ) -> Result<Inspector, Error> {
        actor.must_administer(ADMINISTER)?;
        let (actor, id, input) = (actor.clone(), id.clone(), input.clone());
        let (now, space) = (self.inner.runtime.now(), actor.space_id.clone());
        let written = self.inner.store.write(move |tx| {
            let mut inspector = find(tx, &actor.space_id, &id)?;
            apply(&mut inspector, &input)?;
            inspector.audit.touch(now, &actor.username);
            unique(&store::inspectors::of_space(tx, &actor.space_id)?, &inspector)?;
            store::inspectors::update(tx, &inspector)?;
            Ok::<_, Error>(inspector)
        });
        let inspector = written.await?;
        self.inspectors_moved(&space);
        Ok(inspector)
    }

    /// Deletes an inspector with everything it recorded and returns it as it was.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn delete_inspector(
        &self,
        actor: &Actor,
        id: &InspectorId,
    ) -> Result<Inspector, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, id) = (actor.space_id.clone(), id.clone());
        let deleted = self.inner.store.write(move |tx| {
            let inspector = find(tx, &space, &id)?;
            store::inspectors::delete(tx, &space, &id)?;
            Ok::<_, Error>(inspector)
        });
        let inspector = deleted.await?;
        self.inspectors_moved(&actor.space_id);
        Ok(inspector)
    }

    /// Lists what an inspector recorded, newest first.
    ///
    /// # Errors
    /// `Refused` for a bad limit or token, `NotFound`, `Forbidden`, `Store`.
    pub async fn inspections(
        &self,
        actor: &Actor,
        id: &InspectorId,
        limit: Option<i64>,
        page_token: Option<&str>,
    ) -> Result<Page<Inspection>, Error> {
        actor.must_administer(ADMINISTER)?;
        let rows = rows(limit)?.min(limits::INSPECTIONS_MAX);
        let after = page_token.map(token::read).transpose()?;
        let after = after.map(|(at, id)| (at, InspectionId(id)));
        let (space, id) = (actor.space_id.clone(), id.clone());
        let items = self.read(move |tx| {
            find(tx, &space, &id)?;
            Ok(store::inspectors::requests(tx, &id, after.as_ref(), rows + 1)?)
        });
        Ok(page(items.await?, rows, |found| (found.at, &found.id.0)))
    }

    /// Reads one recorded request.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn inspection(
        &self,
        actor: &Actor,
        inspector: &InspectorId,
        id: &InspectionId,
    ) -> Result<Inspection, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, of, id) = (actor.space_id.clone(), inspector.clone(), id.clone());
        self.read(move |tx| {
            find(tx, &space, &of)?;
            let found = store::inspectors::request(tx, &of, &id)?;
            found.ok_or_else(|| Error::not_found("Request", id.as_str()))
        })
        .await
    }

    /// Deletes everything an inspector recorded; how much.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn clear_inspector(&self, actor: &Actor, id: &InspectorId) -> Result<u64, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, id) = (actor.space_id.clone(), id.clone());
        let cleared = self.inner.store.write(move |tx| {
            find(tx, &space, &id)?;
            Ok::<_, Error>(store::inspectors::clear(tx, &id)?)
        });
        let cleared = cleared.await?;
        self.inspectors_moved(&actor.space_id);
        Ok(cleared)
    }

    /// The address that an inspector is reached at.
    pub fn inspector_url(&self, inspector: &Inspector) -> String {
        let public = self.inner.settings.public_url.as_ref().map_or("", |url| url.as_str());
        format!("{}{INSPECT}{}", public.trim_end_matches('/'), inspector.token)
    }

    /// Finds the inspector that a request from `address` is for, and counts the request.
    ///
    /// # Errors
    /// `Store`.
    pub async fn knock(&self, token: &str, address: &str) -> Result<Knock, Error> {
        let now = self.inner.runtime.now();
        if let Some(retry_after_s) = self.inner.pace.misses(address, now) {
            return Ok(Knock::Busy { retry_after_s });
        }
        let wanted = token.to_owned();
        let found = self.read(move |tx| Ok(store::inspectors::by_token(tx, &wanted)?)).await?;
        let Some(inspector) = found else {
            self.inner.pace.missed(address, now);
            return Ok(Knock::Unknown);
        };
        Ok(match self.inner.pace.request(&inspector.token, now) {
            Some(retry_after_s) => Knock::Busy { retry_after_s },
            None => Knock::Open(Box::new(inspector)),
        })
    }

    /// Records a request that an inspector got; nothing when it was deleted meanwhile.
    ///
    /// # Errors
    /// `Store`.
    pub async fn inspect(&self, inspector: &Inspector, arrival: Arrival) -> Result<(), Error> {
        let now = self.inner.runtime.now();
        let signature = self.signature(inspector, &arrival).await?;
        let inspection = Inspection {
            id: InspectionId::new(self.inner.runtime.uuid()),
            inspector_id: inspector.id.clone(),
            space_id: inspector.space_id.clone(),
            at: now,
            signature,
            job_id: header(&arrival, "webhook-id").map(|id| JobId(id.to_owned())),
            method: arrival.method,
            path: arrival.path,
            query: arrival.query,
            headers: arrival.headers,
            body: arrival.body,
            size: i64::try_from(arrival.size).unwrap_or(i64::MAX),
            address: arrival.address,
        };
        let bounds = Bounds {
            count_max: limits::INSPECTIONS_MAX,
            bytes_max: limits::INSPECTIONS_BYTES_MAX,
            oldest: now.plus_ms(-limits::INSPECTIONS_MS_MAX),
        };
        let written = self.inner.store.write(move |tx| {
            let mut inspection = inspection.clone();
            if let Some(id) = &inspection.job_id
                && store::jobs::by_id(tx, &inspection.space_id, id)?.is_none()
            {
                inspection.job_id = None;
            }
            store::inspectors::record(tx, &inspection, &bounds)
        });
        written.await?;
        self.inner.runtime.metrics().inspected.add(1);
        self.inspectors_moved(&inspector.space_id);
        Ok(())
    }

    /// Deletes what inspectors have kept for too long, in small transactions; how much.
    ///
    /// # Errors
    /// `Store`.
    pub async fn purge_inspections(&self) -> Result<usize, Error> {
        let oldest = self.inner.runtime.now().plus_ms(-limits::INSPECTIONS_MS_MAX);
        let mut purged = 0;
        loop {
            let purge = move |tx: &mut Tx| store::inspectors::purge(tx, None, oldest, PURGE_ROWS);
            match self.inner.store.write(purge).await? {
                0 => return Ok(purged),
                more => purged += more,
            }
        }
    }

    /// Whether a request is signed by a key of the inspector's space.
    async fn signature(
        &self,
        inspector: &Inspector,
        arrival: &Arrival,
    ) -> Result<SignatureCheck, Error> {
        if arrival.size > arrival.body.len() {
            let reason = "The body is kept cut, and a part of it proves nothing".to_owned();
            return Ok(SignatureCheck { ok: false, reason });
        }
        let actor = Actor {
            space_id: inspector.space_id.clone(),
            username: inspector.audit.created_by.clone(),
            is_space_admin: true,
        };
        let checked =
            self.check_arrived(&actor, |name| header(arrival, name), &arrival.body).await?;
        let reason = match checked.reason {
            Some(reason) => reason,
            None => "Signed by a key of this space".to_owned(),
        };
        Ok(SignatureCheck { ok: checked.ok, reason })
    }

    fn inspectors_moved(&self, space: &SpaceId) {
        self.inner.changes.publish(space, Topic::Inspectors);
    }
}

fn find(tx: &mut Tx, space: &SpaceId, id: &InspectorId) -> Result<Inspector, Error> {
    let found = store::inspectors::by_id(tx, space, id)?;
    found.ok_or_else(|| Error::not_found(NOUN, id.as_str()))
}

fn unique(known: &[Inspector], inspector: &Inspector) -> Result<(), Error> {
    if known.iter().any(|other| other.name == inspector.name && other.id != inspector.id) {
        return Err(Error::Invalid {
            noun: NOUN,
            problems: vec![format!("Name \"{}\" is that of another one", inspector.name)],
        });
    }
    Ok(())
}

/// Lays `input` over an inspector and checks the result.
fn apply(inspector: &mut Inspector, input: &InspectorInput) -> Result<(), Error> {
    let mut problems = Vec::new();
    if let Some(name) = &input.name {
        name.trim().clone_into(&mut inspector.name);
    }
    if inspector.name.is_empty() {
        problems.push("Name must not be blank".to_owned());
    } else if inspector.name.chars().count() > limits::NAME_CHARS_MAX {
        problems.push(format!("Name must not exceed {} characters", limits::NAME_CHARS_MAX));
    }
    if let Some(status) = input.status {
        match u16::try_from(status).ok().filter(|status| (200..=599).contains(status)) {
            Some(status) => inspector.status = status,
            None => problems.push(format!("Status must be between 200 and 599, not {status}")),
        }
    }
    if let Some(headers) = &input.headers {
        if headers.len() > limits::INSPECTOR_HEADERS_MAX {
            let max = limits::INSPECTOR_HEADERS_MAX;
            problems.push(format!("Headers must not be more than {max}"));
        }
        problems.extend(headers.iter().filter_map(|(name, value)| header_problem(name, value)));
        inspector.headers.clone_from(headers);
    }
    if let Some(body) = &input.body {
        if body.chars().count() > limits::TEXT_CHARS_MAX {
            problems.push(format!("Body must not exceed {} characters", limits::TEXT_CHARS_MAX));
        }
        inspector.body.clone_from(body);
    }
    if let Some(delay_ms) = input.delay_ms {
        if !(0..=limits::INSPECTOR_DELAY_MS_MAX).contains(&delay_ms) {
            let max = limits::INSPECTOR_DELAY_MS_MAX;
            problems.push(format!("Delay Ms must be between 0 and {max}, not {delay_ms}"));
        }
        inspector.delay_ms = delay_ms;
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid { noun: NOUN, problems }) }
}

fn header_problem(name: &str, value: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if http::HeaderName::try_from(name).is_err() || http::HeaderValue::try_from(value).is_err() {
        return Some(format!("The header \"{}\" cannot be sent as it is", name.escape_debug()));
    }
    if OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("access-control-") {
        return Some(format!("The header {lower} is the server's own business"));
    }
    if lower == "content-type" {
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_plain = TYPES.contains(&essence.as_str()) || essence.ends_with("+json");
        return (!is_plain).then(|| {
            format!("The content-type {essence} is not one of {}, …+json", TYPES.join(", "))
        });
    }
    None
}

fn header<'a>(arrival: &'a Arrival, name: &str) -> Option<&'a str> {
    let found = arrival.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_speak_for_the_server_are_refused() {
        let check = |name: &str, value: &str, is_fine: bool| {
            assert_eq!(header_problem(name, value).is_none(), is_fine, "{name}: {value}");
        };
        check("x-answer", "42", true);
        check("content-type", "application/cloudevents+json; charset=utf-8", true);
        check("Content-Type", "text/html", false);
        check("content-type", "text/javascript", false);
        check("content-type", "image/svg+xml", false);
        check("Set-Cookie", "kapok_session=x", false);
        check("access-control-allow-origin", "*", false);
        check("x\r\ny", "z", false);
        check("x", "y\r\nz: 1", false);
    }
}
