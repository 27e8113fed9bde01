//! Submissions: create, update, submit, close, delete, migrate, read and list.

mod input;

pub use input::{SubmissionInput, SubmissionPatch};

use crate::forms::FormContext;
use crate::{Actor, Error, ListQuery, Page, Platform, Scope};
use model::submission::{CoreState, Submission};
use std::sync::Arc;

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
        let _ = (actor, scope, form, input, options);
        unimplemented!()
    }

    /// Changes a submission: values (those given replace their former ones), core state, current
    /// page. Fires `Updated`, `Submitted` and `Closed` as it gets there, and `Saved`. Space
    /// administrators; other users on submissions they created or submitted.
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
        let _ = (actor, id, input);
        unimplemented!()
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
        let _ = (actor, id, input, options);
        unimplemented!()
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
        let _ = (actor, scope, form, patch);
        unimplemented!()
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
        let _ = (actor, id, patch);
        unimplemented!()
    }

    /// Deletes a submission and returns it as it was; fires `Deleted`. Space administrators only.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn delete_submission(&self, actor: &Actor, id: &str) -> Result<Record, Error> {
        let _ = (actor, id);
        unimplemented!()
    }

    /// One submission. Space administrators, and who created or submitted it.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn submission(&self, actor: &Actor, id: &str) -> Result<Record, Error> {
        let _ = (actor, id);
        unimplemented!()
    }

    /// A page of submissions. Space administrators see all, other users those they created or
    /// submitted.
    ///
    /// # Errors
    /// `NotFound` for kapp or form, `Unauthenticated`, `Refused` for a query, order or token that
    /// cannot be read, `Store`.
    pub async fn submissions(
        &self,
        actor: &Actor,
        query: &SubmissionQuery<'_>,
    ) -> Result<Page<Record>, Error> {
        let _ = (actor, query);
        unimplemented!()
    }
}
