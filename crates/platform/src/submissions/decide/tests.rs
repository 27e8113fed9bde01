//! Decisions as tables: from a state and a request to the next state and its events.

#![expect(clippy::needless_pass_by_value, reason = "tables of literals read better by value")]

use super::*;
use model::form::Form;
use model::id::{FormId, KappId, SpaceId};
use model::kapp::Kapp;
use model::space::Space;
use serde_json::json;
use std::sync::Arc;

const NOW: Micros = Micros(1_000_000);

fn audit() -> Audit {
    Audit::created(Micros(0), "maker")
}

fn context(kapp: bool, label: Option<&str>, pages: Value) -> FormContext {
    let space = Space {
        id: SpaceId("s".to_owned()),
        slug: "acme".to_owned(),
        name: "Acme".to_owned(),
        attributes: Map::new(),
        properties: Map::new(),
        version: 1,
        audit: audit(),
    };
    let kapp = kapp.then(|| Kapp {
        id: KappId("k".to_owned()),
        space_id: space.id.clone(),
        slug: "services".to_owned(),
        name: "Services".to_owned(),
        status: "Active".to_owned(),
        attributes: Map::new(),
        properties: Map::new(),
        version: 1,
        audit: audit(),
    });
    let form = Form {
        id: FormId("f".to_owned()),
        space_id: space.id.clone(),
        kapp_id: kapp.as_ref().map(|kapp| kapp.id.clone()),
        slug: "form".to_owned(),
        name: "Form".to_owned(),
        status: "Active".to_owned(),
        kind: Some("Service".to_owned()),
        description: None,
        notes: None,
        anonymous: false,
        label_expression: label.map(str::to_owned),
        attributes: Map::new(),
        pages: pages.as_array().cloned().unwrap_or_default(),
        properties: Map::new(),
        restoration_token: None,
        version: 1,
        audit: audit(),
    };
    FormContext::new(Arc::new(space), kapp.map(Arc::new), form)
}

fn pages() -> Value {
    json!([
        {"name": "One", "elements": [{"type": "field", "name": "A"}]},
        {"name": "Two", "displayCondition": "values('A') === 'more'",
         "elements": [{"type": "field", "name": "B", "required": true}]},
        {"name": "Three", "elements": [
            {"type": "section", "visible": "values('A') !== 'hide'", "elements": [
                {"type": "field", "name": "C", "required": "values('A') === 'need'"},
                {"type": "field", "name": "D", "pattern": {"regex": "^\\d+$"}},
                {"type": "field", "name": "E", "required": "noSuchFunction()"},
            ]},
        ]},
        {"name": "End", "renderType": "confirmation"},
    ])
}

fn facts(context: &FormContext) -> Facts<'_> {
    Facts { context, username: "ann", now: NOW }
}

fn id() -> SubmissionId {
    SubmissionId("0190d6f2-7e1c-7abc-8def-0123456789ab".to_owned())
}

fn input(body: Value) -> SubmissionInput {
    SubmissionInput::from_json(&body).unwrap()
}

fn created(context: &FormContext, body: Value) -> Result<Outcome, Error> {
    create(facts(context), id(), &input(body), &SaveOptions::default())
}

/// What became of a submission, in one line.
fn said(result: Result<Option<Outcome>, Error>) -> String {
    match result {
        Ok(None) => "nothing".to_owned(),
        Ok(Some(outcome)) => {
            let page = outcome.submission.current_page.unwrap_or_default();
            format!(
                "{} @{page}: {}",
                outcome.submission.core_state.as_str(),
                outcome.events.join(" ")
            )
        }
        Err(error) => error.to_string().replace("\n    ", "|"),
    }
}

#[test]
fn a_new_submission_reaches_the_state_it_is_given() {
    let (form, datastore) = (context(true, None, pages()), context(false, None, pages()));
    let check = |context: &FormContext, body: Value, expect: &str| {
        assert_eq!(said(created(context, body.clone()).map(Some)), expect, "{body}");
    };
    check(&form, json!({}), "Draft @One: Created Saved");
    check(&form, json!({"currentPage": "Three"}), "Draft @Three: Created Saved");
    check(&form, json!({"coreState": "Submitted"}), "Submitted @End: Created Submitted Saved");
    check(&form, json!({"coreState": "Closed"}), "Closed @End: Created Submitted Closed Saved");
    check(&datastore, json!({"coreState": "Submitted"}), "Submitted @End: Created Submitted Saved");
    check(
        &datastore,
        json!({"coreState": "Closed"}),
        "Unable to put a datastore submission in the 'Closed' core state",
    );
}

#[test]
fn a_submission_moves_forward_only() {
    let context = context(true, None, pages());
    let check = |from: &str, to: Value, expect: &str| {
        let before = created(&context, json!({"coreState": from})).unwrap().submission;
        let outcome = update(facts(&context), &before, &input(to.clone()), &SaveOptions::default());
        assert_eq!(said(outcome), expect, "{from} {to}");
    };
    check("Draft", json!({"values": {"A": "x"}}), "Draft @One: Updated Saved");
    check("Draft", json!({"coreState": "Submitted"}), "Submitted @End: Updated Submitted Saved");
    check("Draft", json!({"coreState": "closed"}), "Closed @End: Updated Submitted Closed Saved");
    check("Submitted", json!({"coreState": "Submitted"}), "Submitted @End: Updated Saved");
    check("Submitted", json!({"coreState": "Closed"}), "Closed @End: Updated Closed Saved");
    let back = "Unable to put a submitted submission in the 'Draft' core state";
    check("Submitted", json!({"coreState": "Draft"}), back);
    check("Closed", json!({"coreState": "Closed"}), "nothing");
    check("Closed", json!({"values": {"A": "x"}}), "Unable to modify a closed submission");
    let back = "Unable to put a closed submission in the 'Draft' core state";
    check("Closed", json!({"coreState": "Draft", "values": {"A": "x"}}), back);
}

#[test]
fn only_what_is_shown_is_asked_for() {
    let context = context(true, None, pages());
    let check = |values: Value, expect: &str| {
        let body = json!({"coreState": "Submitted", "values": values});
        assert_eq!(said(created(&context, body).map(Some)), expect, "{values}");
    };
    let done = "Submitted @End: Created Submitted Saved";
    check(json!({"A": "x"}), done);
    check(json!({"A": "more"}), "Invalid Submission.|B is required");
    check(json!({"A": "need"}), "Invalid Submission.|C is required");
    check(json!({"A": "need", "C": []}), "Invalid Submission.|C is required");
    check(json!({"D": "12a"}), "Invalid Submission.|D does not have the right form");
    check(json!({"D": "12"}), done);
    check(json!({"A": "hide", "D": "12a"}), done);
}

#[test]
fn pages_that_are_not_shown_are_passed_over() {
    let context = context(true, None, pages());
    let check = |values: Value, page: &str, expect: &str| {
        let options = SaveOptions { page: Some(page.to_owned()), ..SaveOptions::default() };
        let outcome = create(facts(&context), id(), &input(json!({"values": values})), &options);
        assert_eq!(said(outcome.map(Some)), expect, "{values} {page}");
    };
    check(json!({"A": "more"}), "One", "Draft @Two: Created Saved");
    check(json!({"A": "x"}), "One", "Draft @Three: Created Saved");
    check(json!({"C": "x"}), "Three", "Submitted @End: Created Submitted Saved");
    check(json!({"A": "x"}), "Three", "The \"A\" field is not on the \"Three\" page.");
}

#[test]
fn labels_fall_back_to_the_id() {
    let check = |label: Option<&str>, expect: &str| {
        let context = context(true, label, pages());
        let outcome = created(&context, json!({"values": {"A": "Ann"}})).unwrap();
        assert_eq!(outcome.submission.label, expect, "{label:?}");
    };
    check(Some("For ${values('A')} by ${submission('createdBy')}"), "For Ann by ann");
    check(Some("${form('name')}: ${submission('handle')}"), "Form: 6789AB");
    check(None, id().as_str());
    check(Some("${values('B')}"), id().as_str());
    check(Some("${nope()}"), id().as_str());
    check(Some("${'x'.repeat(300)}"), &"x".repeat(limits::NAME_CHARS_MAX));
}

#[test]
fn a_kapp_lends_its_label() {
    let mut kapp = Kapp::clone(context(true, None, pages()).kapp.as_ref().unwrap());
    let label = json!("#${submission('handle')}");
    kapp.properties.insert("defaultSubmissionLabelExpression".to_owned(), label);
    let plain = context(true, None, pages());
    let form = Form::clone(&plain.form);
    let context = FormContext::new(plain.space.clone(), Some(Arc::new(kapp)), form);
    assert_eq!(created(&context, json!({})).unwrap().submission.label, "#6789AB");
}

#[test]
fn a_migration_stamps_what_it_says() {
    let context = context(true, None, pages());
    let stamped = |body: Value| {
        let before = blank(facts(&context), id());
        let patched =
            patch(facts(&context), before, &SubmissionPatch::from_json(&body).unwrap()).unwrap();
        let text = |stamp: Option<(Micros, String)>| match stamp {
            Some((at, by)) => format!("{} {by}", at.0),
            None => "-".to_owned(),
        };
        format!("{} / {}", text(patched.submitted), text(patched.closed))
    };
    let check = |body: Value, expect: &str| assert_eq!(stamped(body.clone()), expect, "{body}");
    check(json!({}), "- / -");
    check(json!({"coreState": "Submitted"}), "1000000 ann / -");
    check(json!({"coreState": "Closed"}), "1000000 ann / 1000000 ann");
    let at = "1970-01-01T00:00:00.002Z";
    check(json!({"coreState": "Submitted", "submittedAt": at}), "2000 ann / -");
    check(json!({"coreState": "Submitted", "submittedBy": "bob"}), "1000000 bob / -");
    check(json!({"closedAt": at, "closedBy": "bob"}), "- / 2000 bob");
    check(json!({"coreState": "Closed", "submittedAt": null}), "- / 1000000 ann");
}
