//! Ruby checked against real Ruby: every expression of `ruby_table.txt` and every template of
//! `ruby_templates.txt` is evaluated by Debian's `ruby` and by the engine, and both must give the
//! same value or raise the same error.
//!
//! In the tables, a line that starts with `# ` is a heading and `⏎` stands for a line end inside a
//! row. A missing `ruby` fails the test.

use std::io::Write as _;
use std::process::{Command, Stdio};

use expr::ruby::{Condition, Context, Erb};
use model::time::Micros;
use serde_json::{Value, json};

const EXPRESSIONS: &str = include_str!("ruby_table.txt");
const TEMPLATES: &str = include_str!("ruby_templates.txt");
const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/oracle.rb");

fn context() -> Value {
    json!({
        "results": {"Node": {"Key": "value", "Other": ""}},
        "values": {
            "Name": "Ann", "Count": "404", "Empty": null, "Flag": false, "List": ["a", "b"],
            "Deep": {"a": {"b": 3}},
            "Json": "{\"name\":\"x\",\"list\":[1,2],\"nested\":{\"deep\":\"YES\"}}",
        },
    })
}

fn rows(table: &str) -> Vec<String> {
    let rows = table.lines().filter(|line| !line.starts_with("# ") && !line.is_empty());
    rows.map(|row| row.replace('⏎', "\n")).collect()
}

/// Asks real Ruby for all rows in one run.
fn oracle(kind: &str, rows: &[String]) -> Vec<String> {
    let mut ruby = Command::new("ruby")
        .args(["-Eutf-8:utf-8", "-W0", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("real Ruby is missing; install it with `apt-get install ruby`");
    let context = context();
    let lines: String =
        rows.iter().map(|row| json!({kind: row, "context": context}).to_string() + "\n").collect();
    let mut stdin = ruby.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = ruby.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "ruby failed: {}", output.status);
    let answers = String::from_utf8(output.stdout).unwrap();
    let answer = |line: &str| {
        let answer: Value = serde_json::from_str(line).unwrap();
        match &answer["value"] {
            Value::String(value) => value.clone(),
            _ => format!("! {}", answer["error"].as_str().unwrap_or_default()),
        }
    };
    answers.lines().map(answer).collect()
}

fn expression(code: &str) -> String {
    let context = context();
    let condition = match Condition::compile(code) {
        Ok(condition) => condition,
        Err(problems) => return format!("? {problems}"),
    };
    match condition.evaluate(&Context::new(&context, Micros(1_700_000_000_123_456))) {
        Ok(outcome) => outcome.value,
        Err(error) => format!("! {}: {}", error.class, error.message),
    }
}

/// Drops what is worded differently for a reason: the receiver's own `inspect`, which for the
/// oracle's scope object is an address, and our name for the number limit.
fn comparable(answer: &str) -> String {
    let answer = answer.replace("Strict", "Hash");
    match answer.find(" for #<Object:") {
        Some(at) => answer[..at].to_owned() + " for main:Object",
        None => answer,
    }
}

fn template(text: &str) -> String {
    let context = context();
    let erb = match Erb::compile(text) {
        Ok(erb) => erb,
        Err(problems) => return format!("? {problems}"),
    };
    match erb.render(&Context::new(&context, Micros(1_700_000_000_123_456))) {
        Ok(text) => text,
        Err(error) => format!("! {}: {}", error.class, error.message),
    }
}

fn compare(table: &str, kind: &str, ours: fn(&str) -> String) {
    let rows = rows(table);
    let expected = oracle(kind, &rows);
    assert_eq!(rows.len(), expected.len());
    let mut wrong = Vec::new();
    for (row, expect) in rows.iter().zip(&expected) {
        let got = comparable(&ours(row));
        if got != comparable(expect) {
            wrong.push(format!("{row}\n    ruby: {expect}\n    ours: {got}"));
        }
    }
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} of {} rows differ:\n{}", rows.len(), wrong.join("\n"));
}

#[test]
fn expressions_agree_with_ruby() {
    compare(EXPRESSIONS, "code", expression);
}

#[test]
fn templates_agree_with_ruby() {
    compare(TEMPLATES, "template", template);
}

/// One row for each method, construct and constant that real trees use, after its name.
const COVERAGE: &str = include_str!("ruby_coverage.txt");

#[test]
fn everything_that_real_trees_use_is_covered() {
    let named = |row: &String| row.split_once(" => ").map(|(_, code)| code.to_owned());
    let table: Vec<String> = rows(COVERAGE).iter().filter_map(named).collect();
    assert!(table.len() > 125, "{}", table.len());
    let expected = oracle("code", &table);
    let mut wrong = Vec::new();
    for (row, expect) in table.iter().zip(&expected) {
        let got = comparable(&expression(row));
        if got != comparable(expect) || expect.starts_with("! ") {
            wrong.push(format!("{row}\n    ruby: {expect}\n    ours: {got}"));
        }
    }
    let (count, all) = (wrong.len(), table.len());
    assert!(wrong.is_empty(), "{count} of {all} rows differ:\n{}", wrong.join("\n"));
}
