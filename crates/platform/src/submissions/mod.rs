//! Submissions: create, update, submit, close, delete, migrate, read and list.

mod decide;
mod find;
mod input;
pub(crate) mod rules;

pub use input::{SubmissionInput, SubmissionPatch};

use crate::change::{ATTEMPTS, Change, guarded};
use crate::context::{self, FormContext};
use crate::payload::{self, Subject};
use crate::{Actor, Error, ListQuery, Page, Platform, Scope};
use model::catalogue::Level;
use model::event::Event;
use model::id::SubmissionId;
use model::payload::Part;
use model::submission::{CoreState, Submission};
use model::time::Micros;
use serde_json::{Map, Value};
use std::sync::Arc;
use store::Tx;

/// A submission with its form, kapp and space.
#[derive(Clone, Debug)]
pub struct Record {
    /// The submission.
    pub submission: Arc<Submission>,
    /// Its form with kapp and space.
    pub context: Arc<FormContext>,
}

/// How a submission is saved, from the request's parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaveOptions {
    /// Whether the submission is submitted at once, as if all pages had been (creation only; a
    /// core state in the body wins).
    pub completed: bool,
    /// The page whose values these are; saving it moves on to the next page, after the last one
    /// the submission is submitted.
    pub page: Option<String>,
    /// Keeps the values without validating them and without moving on.
    pub staged: bool,
    /// The submission belongs to a subform; accepted for clients, changes nothing.
    pub defer: bool,
}

/// Which submissions to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmissionQuery<'a> {
    /// The kapp, or the datastore.
    pub scope: Scope<'a>,
    /// The form; `None` for all forms of the kapp.
    pub form: Option<&'a str>,
    /// What every list takes. Query properties: coreState, createdBy, submittedBy, updatedBy,
    /// closedBy, handle, id, type, label, sessionToken, createdAt, updatedAt, submittedAt,
    /// closedAt, values[Field]. Ordered by createdAt (default), updatedAt, submittedAt or
    /// closedAt, newest first unless a direction is given; 25 a page by default.
    pub list: ListQuery,
    /// Only those in this core state.
    pub core_state: Option<CoreState>,
    /// Only those this username created.
    pub created_by: Option<String>,
    /// Only those this username submitted.
    pub submitted_by: Option<String>,
    /// Only those of this form type.
    pub kind: Option<String>,
}

/// Which approvals to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalQuery {
    /// Everybody's, for space administrators, or those that wait for the actor.
    pub everybodys: bool,
    /// Their core states: drafts wait for a decision.
    pub states: Vec<CoreState>,
    /// Limit, page token and whether to count, no further than
    /// [`model::limits::APPROVALS_COUNTED_MAX`]; the rest has no meaning here.
    pub list: ListQuery,
}

impl Platform {
    /// Creates a submission; fires `Created`, `Submitted` and `Closed` as it gets there, and
    /// `Saved`. With an id that exists already, returns that submission and fires nothing. Space
    /// administrators on every form; other users on active forms of kapps.
    ///
    /// # Errors
    /// `NotFound` for kapp or form, `Forbidden`, `Invalid`, `UndefinedField`, `TooLarge`, `Store`.
    pub async fn create_submission(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        form: &str,
        input: SubmissionInput,
        options: &SaveOptions,
    ) -> Result<Record, Error> {
        for fresh in ATTEMPTS {
            let context = self.context(&actor.space_id, scope, form, fresh).await?;
            actor.must_fill_in(&context.form)?;
            if let Some(existing) = self.existing(actor, input.id.as_ref()).await? {
                return Ok(existing);
            }
            self.check_references(actor, &input).await?;
            let id = match &input.id {
                Some(id) => id.clone(),
                None => SubmissionId::new(self.inner.runtime.uuid()),
            };
            let facts = facts(actor, &context, self.now());
            let outcome = decide::create(facts, id, &input, options)?;
            let (record, events) = self.outcome(actor, &context, None, outcome);
            let written = record.clone();
            let change = Change::new(record, events, move |tx| {
                written.context.hold(tx)?;
                store::submissions::insert(tx, &written.submission)
            });
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Submission" })
    }

    /// Changes a submission: values (those given replace their former ones), core state, current
    /// page. Fires `Updated`, `Submitted` and `Closed` as it gets there, and `Saved`. Space
    /// administrators; other users on submissions they created or submitted, and on open
    /// approvals that are assigned to them or to a team of theirs.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Refused` for a core state that cannot be reached, `Invalid`,
    /// `UndefinedField`, `TooLarge`, `Stale`, `Store`.
    pub async fn update_submission(
        &self,
        actor: &Actor,
        id: &str,
        input: SubmissionInput,
    ) -> Result<Record, Error> {
        self.save(actor, id, &input, &SaveOptions::default()).await
    }

    /// Saves the values of one page of a draft and moves on to the next page, or submits after
    /// the last one. Rights and events as [`Platform::update_submission`].
    ///
    /// # Errors
    /// As [`Platform::update_submission`].
    pub async fn submit_page(
        &self,
        actor: &Actor,
        id: &str,
        input: SubmissionInput,
        options: &SaveOptions,
    ) -> Result<Record, Error> {
        if options.page.is_none() {
            return Err(Error::refused("The page parameter must name the page that is submitted"));
        }
        self.save(actor, id, &input, options).await
    }

    /// Writes a new submission as it is given, for migrations: any state and times, no validation
    /// beyond the names of fields, no events. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `UndefinedField`, `Unique` for an id that exists, `Store`.
    pub async fn patch_new_submission(
        &self,
        actor: &Actor,
        scope: Scope<'_>,
        form: &str,
        patch: SubmissionPatch,
    ) -> Result<Record, Error> {
        actor.must_administer(|| "migrate Submissions".to_owned())?;
        for fresh in ATTEMPTS {
            let context = self.context(&actor.space_id, scope, form, fresh).await?;
            let id = match &patch.input.id {
                Some(id) => checked_id(id)?,
                None => SubmissionId::new(self.inner.runtime.uuid()),
            };
            let facts = facts(actor, &context, self.now());
            let blank = decide::blank(facts, id.clone());
            let submission = Arc::new(decide::patch(facts, blank, &patch)?);
            let record = Record { submission, context };
            let written = record.clone();
            let change = Change::new(record, Vec::new(), move |tx| {
                written.context.hold(tx)?;
                store::submissions::insert(tx, &written.submission)
            });
            if let Some(done) = self.commit(change.unique("Submission", "id", id.as_str())).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Submission" })
    }

    /// Overwrites what is given of a submission, for migrations: any state and times, no
    /// validation beyond the names of fields, no events. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `UndefinedField`, `Stale`, `Store`.
    pub async fn patch_submission(
        &self,
        actor: &Actor,
        id: &str,
        patch: SubmissionPatch,
    ) -> Result<Record, Error> {
        actor.must_administer(|| "migrate Submissions".to_owned())?;
        let _turn = self.inner.turns.of(id).await;
        for _ in ATTEMPTS {
            let Record { submission: before, context } = self.record(actor, id).await?;
            let facts = facts(actor, &context, self.now());
            let mut submission = decide::patch(facts, Submission::clone(&before), &patch)?;
            submission.version += 1;
            let record = Record { submission: Arc::new(submission), context };
            let (written, from) = (record.clone(), before.version);
            let change = Change::new(record, Vec::new(), move |tx| {
                written.context.hold(tx)?;
                guarded(store::submissions::update(tx, &written.submission, from)?)
            });
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Submission" })
    }

    /// Deletes a submission and returns it as it was; fires `Deleted`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn delete_submission(&self, actor: &Actor, id: &str) -> Result<Record, Error> {
        actor.must_administer(|| format!("delete the {id} Submission"))?;
        let _turn = self.inner.turns.of(id).await;
        for _ in ATTEMPTS {
            let record = self.record(actor, id).await?;
            let events = self.submission_events(actor, self.now(), &record, None, &["Deleted"]);
            let (written, from) = (record.submission.id.clone(), record.submission.version);
            let change = Change::new(record, events, move |tx| {
                guarded(store::submissions::delete(tx, &written, from)?)
            });
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Submission" })
    }

    /// One submission. Space administrators, who created or submitted it, and whom it is
    /// assigned to.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn submission(&self, actor: &Actor, id: &str) -> Result<Record, Error> {
        let record = self.record(actor, id).await?;
        if !self.is_assigned(actor, &record.submission).await? {
            actor.must_own(&record.submission, "see")?;
        }
        Ok(record)
    }

    /// A page of approvals, newest first, over all kapps: those that wait for the actor or a team
    /// of theirs, or everybody's for space administrators.
    ///
    /// # Errors
    /// `Unauthenticated`, `Forbidden`, `Refused` for a limit or token that cannot be read,
    /// `Store`.
    pub async fn approvals(
        &self,
        actor: &Actor,
        query: &ApprovalQuery,
    ) -> Result<Page<Record>, Error> {
        actor.must_be_somebody()?;
        if query.everybodys {
            actor.must_administer(|| "see the approvals of others".to_owned())?;
        }
        find::approvals(self, actor, query).await
    }

    /// A page of submissions. Space administrators see all, other users those they created or
    /// submitted and those that are assigned to them.
    ///
    /// # Errors
    /// `NotFound` for kapp or form, `Unauthenticated`, `Refused` for a query, order or token that
    /// cannot be read, `Store`.
    pub async fn submissions(
        &self,
        actor: &Actor,
        query: &SubmissionQuery<'_>,
    ) -> Result<Page<Record>, Error> {
        actor.must_be_somebody()?;
        find::page(self, actor, query).await
    }
}

fn facts<'a>(actor: &'a Actor, context: &'a FormContext, now: Micros) -> decide::Facts<'a> {
    decide::Facts { context, username: &actor.username, now }
}

/// An id that a caller made: a UUID in its usual form, so that it cannot be mistaken for a path.
fn checked_id(id: &SubmissionId) -> Result<SubmissionId, Error> {
    let text = id.as_str().to_lowercase();
    let dashes = [8, 13, 18, 23];
    let fits = text.len() == 36
        && text.chars().enumerate().all(|(i, c)| match dashes.contains(&i) {
            true => c == '-',
            false => c.is_ascii_hexdigit(),
        });
    match fits {
        true => Ok(SubmissionId(text)),
        false => Err(Error::invalid("Submission", "id", "Id must be a UUID")),
    }
}

impl Platform {
    async fn save(
        &self,
        actor: &Actor,
        id: &str,
        input: &SubmissionInput,
        options: &SaveOptions,
    ) -> Result<Record, Error> {
        let _turn = self.inner.turns.of(id).await;
        for _ in ATTEMPTS {
            let before = self.record(actor, id).await?;
            self.must_update(actor, &before.submission).await?;
            self.check_references(actor, input).await?;
            let facts = facts(actor, &before.context, self.now());
            let outcome = decide::update(facts, &before.submission, input, options)?;
            let Some(outcome) = outcome else { return Ok(before) };
            let from = before.submission.version;
            let (record, events) =
                self.outcome(actor, &before.context, Some(&before.submission), outcome);
            let written = record.clone();
            let change = Change::new(record, events, move |tx| {
                written.context.hold(tx)?;
                guarded(store::submissions::update(tx, &written.submission, from)?)
            });
            if let Some(done) = self.commit(change).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Submission" })
    }

    /// Lets through who may change a submission: assigned approvals while they are open.
    async fn must_update(&self, actor: &Actor, submission: &Submission) -> Result<(), Error> {
        let denied = match actor.must_own(submission, "update") {
            Ok(()) => return Ok(()),
            Err(denied) => denied,
        };
        if !self.is_assigned(actor, submission).await? {
            return Err(denied);
        }
        match &submission.submitted {
            None if submission.core_state == CoreState::Draft => Ok(()),
            Some((_, by)) => Err(Error::refused(format!("{by} has decided this approval already"))),
            None => Err(Error::refused("This approval is closed already")),
        }
    }

    /// Whether a submission is an approval that waits, or waited, for the actor.
    async fn is_assigned(&self, actor: &Actor, submission: &Submission) -> Result<bool, Error> {
        let Some(id) = actor.user_id.clone().filter(|_| submission.is_approval()) else {
            return Ok(false);
        };
        if submission.assigned_user().is_none() && submission.assigned_team().is_none() {
            return Ok(false);
        }
        let (username, submission) = (actor.username.clone(), submission.clone());
        let read = move |tx: &mut Tx| {
            let person = store::submissions::Person { username: &username, id: &id };
            store::submissions::is_assigned(tx, person, &submission)
        };
        Ok(self.inner.store.read(read).await?)
    }

    /// The submission that a caller who gave an id made before.
    async fn existing(
        &self,
        actor: &Actor,
        id: Option<&SubmissionId>,
    ) -> Result<Option<Record>, Error> {
        let Some(id) = id else { return Ok(None) };
        let id = checked_id(id)?;
        match self.record(actor, id.as_str()).await {
            Ok(record) => {
                actor.must_own(&record.submission, "see")?;
                Ok(Some(record))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Checks that origin and parent exist in the space.
    async fn check_references(&self, actor: &Actor, input: &SubmissionInput) -> Result<(), Error> {
        for (name, title, id) in
            [("origin", "Origin", &input.origin), ("parent", "Parent", &input.parent)]
        {
            let Some(Some(id)) = id else { continue };
            match self.record(actor, id.as_str()).await {
                Ok(_) => {}
                Err(Error::NotFound { .. }) => {
                    let message = format!("{title} must be an existing submission, not {id}");
                    return Err(Error::invalid("Submission", name, message));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A submission with its context as they are now. Those of other spaces do not exist.
    pub(crate) async fn record(&self, actor: &Actor, id: &str) -> Result<Record, Error> {
        let (inner, space) = (self.inner.clone(), actor.space_id.clone());
        let key = SubmissionId(id.to_lowercase());
        let read = move |tx: &mut Tx| -> Result<Option<Record>, store::Error> {
            let Some(submission) = store::submissions::by_id(tx, &key)? else { return Ok(None) };
            if submission.space_id != space {
                return Ok(None);
            }
            let context = context::current(tx, &inner.contexts, &submission.form_id)?;
            let submission = Arc::new(submission);
            Ok(context.map(|context| Record { submission, context }))
        };
        let record = self.inner.store.read(read).await?;
        record.ok_or_else(|| Error::not_found("Submission", id))
    }

    /// The record and the events of an outcome.
    fn outcome(
        &self,
        actor: &Actor,
        context: &Arc<FormContext>,
        before: Option<&Submission>,
        outcome: decide::Outcome,
    ) -> (Record, Vec<Event>) {
        let at = outcome.submission.audit.updated_at;
        let submission = Arc::new(outcome.submission);
        let record = Record { submission, context: context.clone() };
        let events = self.submission_events(actor, at, &record, before, &outcome.events);
        (record, events)
    }

    fn submission_events(
        &self,
        actor: &Actor,
        at: Micros,
        record: &Record,
        before: Option<&Submission>,
        actions: &[&'static str],
    ) -> Vec<Event> {
        let Record { submission, context } = record;
        let datastore = context.form.is_datastore();
        let subject = Subject {
            level: if datastore { Level::Space } else { Level::Kapp },
            type_name: if datastore { "Datastore Submission" } else { "Submission" },
            entity_type: "Submission",
            id: submission.id.as_str(),
            key: submission.id.as_str(),
            label: match submission.label == submission.id.as_str() {
                true => format!("{} {}", context.form.name, submission.handle),
                false => submission.label.clone(),
            },
            context: Some(context),
        };
        let mut rest = vec![context.surroundings.clone()];
        if let Some(before) = before {
            let mut body = Map::new();
            let document = payload::submission(submission);
            let previous = payload::submission(before);
            let changes = payload::document_changes(&previous, &document);
            body.insert("submissionPrevious".to_owned(), previous);
            body.insert("submissionChanges".to_owned(), changes);
            body.insert("valuesPrevious".to_owned(), Value::Object(before.values.clone()));
            let changes = payload::changes(&before.values, &submission.values);
            body.insert("valuesChanges".to_owned(), changes);
            rest.push(Arc::new(Part::new(body)));
        }
        rest.push(Arc::new(payload::filled(submission)));
        self.events(actor, at, &subject, actions, &rest)
    }
}
