//! Who may do what: deny by default.
//!
//! | | space administrator, system | other users | nobody |
//! |---|---|---|---|
//! | space, kapps | all | read | – |
//! | forms | all | read the active ones of kapps | – |
//! | submissions | all | create on active forms of kapps; read, update their own | – |
//! | approvals | all | read those assigned to them or their teams; decide the open ones | – |
//! | users | all | read themselves; change their profile | – |
//! | teams, memberships | all | read their own | – |
//!
//! A submission is one's own when one created or submitted it. An approval is a submission of a
//! kapp's form of type Approval; its field Assigned Individual holds a username, its field
//! Assigned Team the name of a team.

use crate::{Actor, Error};
use model::form::Form;
use model::people::{Team, User};
use model::submission::Submission;

/// The form status in which users may see a form and fill it in.
pub(crate) const ACTIVE: &str = "Active";

impl Actor {
    /// Lets space administrators through.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody, `Forbidden` for everybody else.
    pub(crate) fn must_administer(&self, act: impl FnOnce() -> String) -> Result<(), Error> {
        self.must(self.is_space_admin, act)
    }

    /// Lets everybody through who signed in.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody.
    pub(crate) fn must_be_somebody(&self) -> Result<(), Error> {
        if self.is_anonymous() { Err(Error::Unauthenticated) } else { Ok(()) }
    }

    /// Lets through whoever may read a form.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody, `Forbidden`.
    pub(crate) fn must_read_form(&self, form: &Form) -> Result<(), Error> {
        self.must(self.sees_form(form), || format!("see the {} Form", form.slug))
    }

    /// Lets through whoever may fill in a form.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody, `Forbidden`.
    pub(crate) fn must_fill_in(&self, form: &Form) -> Result<(), Error> {
        self.must(self.sees_form(form), || format!("fill in the {} Form", form.slug))
    }

    /// Lets through whoever may read or change a submission.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody, `Forbidden`.
    pub(crate) fn must_own(&self, submission: &Submission, verb: &str) -> Result<(), Error> {
        let act = || format!("{verb} the {} Submission", submission.id);
        self.must(self.is_space_admin || self.owns(submission), act)
    }

    /// Lets through administrators, and users for themselves.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody, `Forbidden`.
    pub(crate) fn must_be(&self, username: &str, verb: &str) -> Result<(), Error> {
        let act = || format!("{verb} the {username} User");
        self.must(self.is_space_admin || self.username == username, act)
    }

    /// Lets administrators through, and the members of a team.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody, `Forbidden`.
    pub(crate) fn must_see_team(&self, team: &Team, is_member: bool) -> Result<(), Error> {
        self.must(self.is_space_admin || is_member, || format!("see the {} Team", team.name))
    }

    /// Whether this is the actor's own user.
    pub(crate) fn is(&self, user: &User) -> bool {
        self.user_id.as_ref() == Some(&user.id)
    }

    /// Whether a list of forms shows this one.
    pub(crate) fn sees_form(&self, form: &Form) -> bool {
        self.is_space_admin
            || (!self.is_anonymous() && form.status == ACTIVE && !form.is_datastore())
    }

    /// Whether the actor created or submitted a submission.
    pub(crate) fn owns(&self, submission: &Submission) -> bool {
        let submitted = submission.submitted.as_ref();
        !self.is_anonymous()
            && (submission.audit.created_by == self.username
                || submitted.is_some_and(|(_, by)| *by == self.username))
    }

    fn must(&self, may: bool, act: impl FnOnce() -> String) -> Result<(), Error> {
        match may {
            true => Ok(()),
            false if self.is_anonymous() => Err(Error::Unauthenticated),
            false => Err(Error::Forbidden { act: act() }),
        }
    }
}
