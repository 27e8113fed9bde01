//! The pure decisions about a submission: what it becomes, and which events that is.

use super::{SaveOptions, SubmissionInput, SubmissionPatch};
use crate::context::FormContext;
use crate::error::{Error, Problem};
use crate::payload;
use expr::js::Bindings;
use model::id::SubmissionId;
use model::submission::{CoreState, Submission};
use model::time::Micros;
use model::{Audit, limits};
use serde_json::{Map, Value};

/// What a decision relies on besides the request.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The form and what surrounds it.
    pub context: &'a FormContext,
    /// Who acts.
    pub username: &'a str,
    /// When.
    pub now: Micros,
}

/// What a submission becomes.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The submission after the change.
    pub submission: Submission,
    /// The catalogue's events, in the order they happened.
    pub events: Vec<&'static str>,
}

/// How far the values of a change are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Names and kinds only.
    Names,
    /// The fields that were given.
    Given,
    /// All fields of one page.
    Page(usize),
    /// All fields.
    All,
}

/// Decides a new submission.
pub(crate) fn create(
    facts: Facts<'_>,
    id: SubmissionId,
    input: &SubmissionInput,
    options: &SaveOptions,
) -> Result<Outcome, Error> {
    let mut submission = blank(facts, id);
    accept_values(facts, &mut submission, &input.values)?;
    accept_references(&mut submission, input);
    let mut goal = input.core_state;
    if goal.is_none() && options.page.is_none() && options.completed {
        goal = Some(CoreState::Submitted);
    }
    let mut events = vec!["Created"];
    let first = facts.context.rules.next_page(None, &mut || bindings(facts, &submission));
    submission.current_page = first.map(|page| page.name.clone());
    match (goal, &options.page) {
        (None, Some(page)) => {
            submit_page(facts, &mut submission, input, page, options, &mut events)?;
        }
        (goal, _) => {
            accept_page(facts, &mut submission, input)?;
            advance(facts, &mut submission, input, goal, &mut events)?;
        }
    }
    events.push("Saved");
    label(facts, &mut submission);
    Ok(Outcome { submission, events: known(facts, events) })
}

/// Decides a change of a submission; `None` when there is nothing to change.
pub(crate) fn update(
    facts: Facts<'_>,
    before: &Submission,
    input: &SubmissionInput,
    options: &SaveOptions,
) -> Result<Option<Outcome>, Error> {
    let mut submission = before.clone();
    if before.core_state == CoreState::Closed {
        refuse_reopening(before.core_state, input.core_state)?;
        let asks = !input.values.is_empty() || input.current_page.is_some();
        if asks || options.page.is_some() {
            return Err(Error::refused("Unable to modify a closed submission"));
        }
        return Ok(None);
    }
    accept_values(facts, &mut submission, &input.values)?;
    accept_references(&mut submission, input);
    let mut events = vec!["Updated"];
    match &options.page {
        Some(page) => submit_page(facts, &mut submission, input, page, options, &mut events)?,
        None => {
            accept_page(facts, &mut submission, input)?;
            advance(facts, &mut submission, input, input.core_state, &mut events)?;
        }
    }
    events.push("Saved");
    submission.version += 1;
    submission.audit.touch(facts.now, facts.username);
    label(facts, &mut submission);
    Ok(Some(Outcome { submission, events: known(facts, events) }))
}

/// Overwrites what a migration gives. No state is out of reach, nothing fires.
pub(crate) fn patch(
    facts: Facts<'_>,
    before: Submission,
    patch: &SubmissionPatch,
) -> Result<Submission, Error> {
    let mut submission = before;
    let input = &patch.input;
    accept_values(facts, &mut submission, &input.values)?;
    accept_references(&mut submission, input);
    accept_page(facts, &mut submission, input)?;
    let audit = &mut submission.audit;
    let at = |given: Option<Micros>, kept: Micros| given.unwrap_or(kept);
    let by = |given: &Option<String>, kept: &str| given.clone().unwrap_or(kept.to_owned());
    *audit = Audit {
        created_at: at(patch.created_at, audit.created_at),
        created_by: by(&patch.created_by, &audit.created_by),
        updated_at: at(patch.updated_at, facts.now),
        updated_by: by(&patch.updated_by, facts.username),
    };
    let state = input.core_state.unwrap_or(submission.core_state);
    refuse_for_datastore(facts, state)?;
    submission.core_state = state;
    let reached = |from: CoreState| state >= from;
    submission.submitted = stamp(
        facts,
        submission.submitted.take(),
        (patch.submitted_at, &patch.submitted_by),
        reached(CoreState::Submitted),
    );
    submission.closed = stamp(
        facts,
        submission.closed.take(),
        (patch.closed_at, &patch.closed_by),
        reached(CoreState::Closed),
    );
    label(facts, &mut submission);
    Ok(submission)
}

/// When and by whom a state was reached, as a migration says it, as it was, or now.
fn stamp(
    facts: Facts<'_>,
    kept: Option<(Micros, String)>,
    given: (Option<Option<Micros>>, &Option<Option<String>>),
    reached: bool,
) -> Option<(Micros, String)> {
    let present = (facts.now, facts.username.to_owned());
    let kept = kept.or_else(|| reached.then_some(present.clone()));
    let (at, by) = kept.clone().unwrap_or(present);
    match given {
        (Some(None), _) => None,
        (Some(Some(at)), username) => Some((at, username.clone().flatten().unwrap_or(by))),
        (None, Some(Some(username))) => Some((at, username.clone())),
        (None, _) => kept,
    }
}

/// A submission of the form in which nothing has been filled in.
pub(crate) fn blank(facts: Facts<'_>, id: SubmissionId) -> Submission {
    let form = &facts.context.form;
    let tail = id.as_str().len().saturating_sub(6);
    Submission {
        handle: id.as_str().get(tail..).unwrap_or_default().to_uppercase(),
        id,
        space_id: form.space_id.clone(),
        kapp_id: form.kapp_id.clone(),
        form_id: form.id.clone(),
        core_state: CoreState::Draft,
        current_page: None,
        label: String::new(),
        kind: form.kind.clone(),
        origin_id: None,
        parent_id: None,
        session_token: None,
        values: Map::new(),
        submitted: None,
        closed: None,
        version: 1,
        audit: Audit::created(facts.now, facts.username),
    }
}

/// Takes values over whose fields exist and can hold them.
fn accept_values(
    facts: Facts<'_>,
    submission: &mut Submission,
    values: &Map<String, Value>,
) -> Result<(), Error> {
    let mut problems = Vec::new();
    for (name, value) in values {
        let Some(field) = facts.context.rules.field(name) else {
            let (field, form) = (name.clone(), facts.context.path());
            return Err(Error::UndefinedField { field, form });
        };
        if !field.holds(value) {
            let message = format!("{name} must be text, a list of texts or null");
            problems.push(Problem::new(name, message));
        }
        submission.values.insert(name.clone(), value.clone());
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid { noun: "Submission", problems }) }
}

fn accept_references(submission: &mut Submission, input: &SubmissionInput) {
    if let Some(origin) = &input.origin {
        submission.origin_id.clone_from(origin);
    }
    if let Some(parent) = &input.parent {
        submission.parent_id.clone_from(parent);
    }
    if let Some(token) = &input.session_token {
        submission.session_token = Some(token.clone());
    }
}

fn accept_page(
    facts: Facts<'_>,
    submission: &mut Submission,
    input: &SubmissionInput,
) -> Result<(), Error> {
    let Some(page) = &input.current_page else { return Ok(()) };
    if let Some(name) = page {
        find_page(facts, name)?;
    }
    submission.current_page.clone_from(page);
    Ok(())
}

fn find_page(facts: Facts<'_>, name: &str) -> Result<usize, Error> {
    facts.context.rules.page(name).ok_or_else(|| {
        let form = facts.context.path();
        Error::refused(format!("The \"{name}\" page is not defined on the \"{form}\" form."))
    })
}

/// Saves one page: the next one is to be filled in, or the submission is submitted.
fn submit_page(
    facts: Facts<'_>,
    submission: &mut Submission,
    input: &SubmissionInput,
    page: &str,
    options: &SaveOptions,
    events: &mut Vec<&'static str>,
) -> Result<(), Error> {
    let number = find_page(facts, page)?;
    let rules = &facts.context.rules;
    for name in input.values.keys() {
        if rules.field(name).is_some_and(|field| field.page != number) {
            let message = format!("The \"{name}\" field is not on the \"{page}\" page.");
            return Err(Error::refused(message));
        }
    }
    submission.current_page = Some(page.to_owned());
    if options.staged {
        return Ok(());
    }
    validate(facts, submission, input, Check::Page(number))?;
    if submission.core_state != CoreState::Draft {
        return Ok(());
    }
    let next = rules.next_page(Some(number), &mut || bindings(facts, submission));
    match next {
        Some(next) => submission.current_page = Some(next.name.clone()),
        None => advance(facts, submission, input, Some(CoreState::Submitted), events)?,
    }
    Ok(())
}

/// Puts the submission into the core state that is asked for.
fn advance(
    facts: Facts<'_>,
    submission: &mut Submission,
    input: &SubmissionInput,
    goal: Option<CoreState>,
    events: &mut Vec<&'static str>,
) -> Result<(), Error> {
    let from = submission.core_state;
    let to = goal.unwrap_or(from);
    refuse_reopening(from, Some(to))?;
    refuse_for_datastore(facts, to)?;
    submission.core_state = to;
    let stamp = || Some((facts.now, facts.username.to_owned()));
    if from == CoreState::Draft && to > CoreState::Draft {
        validate(facts, submission, input, Check::All)?;
        submission.submitted = stamp();
        if input.current_page.is_none() {
            let last = facts.context.rules.confirmation();
            submission.current_page = last.map(|page| page.name.clone());
        }
        events.push("Submitted");
    } else {
        let check = if to == CoreState::Draft { Check::Names } else { Check::Given };
        validate(facts, submission, input, check)?;
    }
    if from < CoreState::Closed && to == CoreState::Closed {
        submission.closed = stamp();
        events.push("Closed");
    }
    Ok(())
}

fn refuse_reopening(from: CoreState, to: Option<CoreState>) -> Result<(), Error> {
    match to {
        Some(to) if !from.may_become(to) => Err(Error::refused(format!(
            "Unable to put a {} submission in the '{}' core state",
            from.as_str().to_lowercase(),
            to.as_str()
        ))),
        _ => Ok(()),
    }
}

fn refuse_for_datastore(facts: Facts<'_>, to: CoreState) -> Result<(), Error> {
    if facts.context.form.is_datastore() && to == CoreState::Closed {
        let message = "Unable to put a datastore submission in the 'Closed' core state";
        return Err(Error::refused(message));
    }
    Ok(())
}

fn validate(
    facts: Facts<'_>,
    submission: &Submission,
    input: &SubmissionInput,
    check: Check,
) -> Result<(), Error> {
    let mut made: Option<Bindings> = None;
    let mut bind = || made.get_or_insert_with(|| bindings(facts, submission)).clone();
    let mut problems = Vec::new();
    for field in &facts.context.rules.fields {
        let looked_at = match check {
            Check::Names => false,
            Check::Given => input.values.contains_key(&field.name),
            Check::Page(page) => field.page == page,
            Check::All => true,
        };
        if looked_at {
            let value = submission.values.get(&field.name).unwrap_or(&Value::Null);
            let found = field.problems(value, &mut bind);
            problems.extend(found.into_iter().map(|message| Problem::new(&field.name, message)));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid { noun: "Submission", problems }) }
}

/// What scripts of the form see.
fn bindings(facts: Facts<'_>, submission: &Submission) -> Bindings {
    let mut document = facts.context.surroundings.members().clone();
    document.insert("submission".to_owned(), payload::submission(submission));
    document.insert("values".to_owned(), Value::Object(submission.values.clone()));
    Bindings::new(Value::Object(document))
}

/// Renders the label; where that fails, or says nothing, the id stands in.
fn label(facts: Facts<'_>, submission: &mut Submission) {
    let rendered = facts.context.label.as_ref().and_then(|template| {
        submission.label.clone_from(&submission.handle);
        template.render(&bindings(facts, submission)).ok()
    });
    let rendered = rendered.filter(|label| !label.trim().is_empty());
    let label = rendered.unwrap_or_else(|| submission.id.as_str().to_owned());
    submission.label = label.chars().take(limits::NAME_CHARS_MAX).collect();
}

/// The events that exist for the kind of submission: datastore submissions are never closed.
fn known(facts: Facts<'_>, events: Vec<&'static str>) -> Vec<&'static str> {
    let datastore = facts.context.form.is_datastore();
    events.into_iter().filter(|event| !datastore || *event != "Closed").collect()
}

#[cfg(test)]
mod tests;
