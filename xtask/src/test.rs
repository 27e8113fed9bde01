//! `cargo xtask test`: every check and every test as a list of stages, each with its output in
//! view, and a table of results at the end. A stage that cannot run because something is missing
//! fails and says what; the one optional stage (`deny`) says that it was left out.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{console, openapi, project, shell, tidy, tools};

/// Tests that kill server processes: those in a module of this name, in any test binary.
const KILL: &str = "kill::";

/// Runs every check and test: style, lints, Rust, PostgreSQL, console, browser.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs these stages only, in the usual order.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Stage>,
    /// Leaves out what needs minutes: the kill suite and the browser.
    #[arg(long, conflicts_with = "only")]
    fast: bool,
}

/// A stage, in the order of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The house rules.
    Tidy,
    /// Formatting.
    Fmt,
    /// Lints, warnings denied.
    Clippy,
    /// Licences and advisories of dependencies; optional, needs cargo-deny.
    Deny,
    /// The console: types, build and unit tests.
    Console,
    /// The Rust tests, on SQLite and on PostgreSQL.
    Rust,
    /// Server processes killed at random instants under load.
    Kill,
    /// The committed API description and client types are current.
    Openapi,
    /// The public JavaScript client against the server.
    Compat,
    /// The product in Chromium.
    Browser,
}

/// How a stage ended.
enum Outcome {
    Passed,
    Failed(String),
    LeftOut(&'static str),
}

/// One line of the final table.
struct Row {
    stage: Stage,
    took: Duration,
    outcome: Outcome,
}

/// Runs the chosen stages.
pub(crate) fn run(args: &Args) -> Result<()> {
    stages(&args.chosen())
}

/// Runs every stage, as the build machine does.
pub(crate) fn ci() -> Result<()> {
    stages(Stage::value_variants())
}

impl Args {
    fn chosen(&self) -> Vec<Stage> {
        let slow = [Stage::Kill, Stage::Browser];
        let wanted = |stage: &Stage| {
            if self.only.is_empty() {
                !(self.fast && slow.contains(stage))
            } else {
                self.only.contains(stage)
            }
        };
        Stage::value_variants().iter().copied().filter(wanted).collect()
    }
}

/// Runs stages one after the other; a failed one does not hide what the later ones find.
fn stages(chosen: &[Stage]) -> Result<()> {
    let mut rows = Vec::new();
    for &stage in chosen {
        println!("\n━━ {} ━━", stage.name());
        let begun = Instant::now();
        let outcome = stage.run().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        if let Outcome::Failed(why) = &outcome {
            println!("\n{} failed: {why}", stage.name());
        }
        rows.push(Row { stage, took: begun.elapsed(), outcome });
    }
    report(&rows)
}

fn report(rows: &[Row]) -> Result<()> {
    println!("\n{:<10} {:>8}  result", "stage", "time");
    for Row { stage, took, outcome } in rows {
        let result = match outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed(why) => format!("FAILED: {}", why.lines().next().unwrap_or_default()),
            Outcome::LeftOut(why) => format!("left out: {why}"),
        };
        println!("{:<10} {:>8}  {result}", stage.name(), seconds(*took));
    }
    println!("{:<10} {:>8}", "total", seconds(rows.iter().map(|row| row.took).sum()));
    let failed: Vec<&str> = rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Failed(_)))
        .map(|row| row.stage.name())
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Tidy => "tidy",
            Stage::Fmt => "fmt",
            Stage::Clippy => "clippy",
            Stage::Deny => "deny",
            Stage::Console => "console",
            Stage::Rust => "rust",
            Stage::Kill => "kill",
            Stage::Openapi => "openapi",
            Stage::Compat => "compat",
            Stage::Browser => "browser",
        }
    }

    fn run(self) -> Result<Outcome> {
        match self {
            Stage::Tidy => tidy::run()?,
            Stage::Fmt => shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?,
            Stage::Clippy => shell::run(shell::cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]))?,
            Stage::Deny => return deny(),
            Stage::Console => console_tests()?,
            Stage::Rust => rust_tests()?,
            Stage::Kill => kill_tests()?,
            Stage::Openapi => openapi::check()?,
            Stage::Compat => compat_tests()?,
            Stage::Browser => browser_tests()?,
        }
        Ok(Outcome::Passed)
    }
}

fn deny() -> Result<Outcome> {
    if shell::which("cargo-deny").is_none() {
        return Ok(Outcome::LeftOut("cargo-deny is not installed"));
    }
    shell::run(shell::cargo().args(["deny", "check"]))?;
    Ok(Outcome::Passed)
}

fn console_tests() -> Result<()> {
    console::build()?;
    shell::run(&mut console::script("console", "test"))
}

/// Every Rust test but the kill suite.
fn rust_tests() -> Result<()> {
    tools::ruby()?;
    if !has_nextest() {
        let mut tests = shell::cargo();
        tests.args(["test", "--workspace", "--no-fail-fast", "--", "--skip", KILL]);
        return shell::run(with_postgres(&mut tests)?);
    }
    let mut tests = shell::cargo();
    tests.args(["nextest", "run", "--workspace", "-E", &format!("not test({KILL})")]);
    shell::run(with_postgres(&mut tests)?)?;
    // The examples in documentation, which nextest leaves to Cargo.
    shell::run(shell::cargo().args(["test", "--workspace", "--doc"]))
}

/// The kill suite, alone on the machine.
fn kill_tests() -> Result<()> {
    let mut tests = shell::cargo();
    if has_nextest() {
        let these = format!("test({KILL})");
        tests.args(["nextest", "run", "--workspace", "--profile", "kill", "-E", &these]);
        return shell::run(with_postgres(&mut tests)?);
    }
    let suite = ["test", "--workspace", "--tests", "--"];
    let list = shell::read(shell::cargo().args(suite).args(["--list", KILL]))?;
    if !list.lines().any(|line| line.ends_with(": test")) {
        bail!("there is no kill suite: no test's name contains `{KILL}`");
    }
    tests.args(suite).args(["--test-threads=1", "--nocapture", KILL]);
    shell::run(with_postgres(&mut tests)?)
}

/// Tells the tests where PostgreSQL's programs are, unless they are given a server.
fn with_postgres(tests: &mut Command) -> Result<&mut Command> {
    if std::env::var_os("KAPOK_TEST_POSTGRES_URL").is_none() {
        tests.env("KAPOK_PG_BIN", tools::postgres()?);
    }
    Ok(tests)
}

fn has_nextest() -> bool {
    shell::which("cargo-nextest").is_some()
}

/// The public JavaScript client, in a folder of its own because it brings packages of its own.
fn compat_tests() -> Result<()> {
    end_to_end("e2e/compat", "test", &[])
}

fn browser_tests() -> Result<()> {
    let chromium = tools::chromium()?;
    end_to_end("e2e", "browser", &[("KAPOK_CHROMIUM", chromium.into_os_string())])
}

/// Runs an npm script against the server's binary, whose path it finds in `KAPOK_BIN`.
fn end_to_end(folder: &str, script: &str, env: &[(&str, std::ffi::OsString)]) -> Result<()> {
    console::build()?;
    console::packages(folder)?;
    shell::run(shell::cargo().args(["build", "-p", "server"]))?;
    let mut tests = console::script(folder, script);
    tests.env("KAPOK_BIN", project::binary("debug", "kapok"));
    for (name, value) in env {
        tests.env(name, value);
    }
    shell::run(&mut tests).with_context(|| format!("the tests of {folder} failed"))
}

fn seconds(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = took.as_secs();
        format!("{} m {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[Stage], fast: bool) -> Vec<Stage> {
        Args { only: only.to_vec(), fast }.chosen()
    }

    #[test]
    fn everything_runs_unless_less_is_asked_for() {
        assert_eq!(chosen(&[], false), Stage::value_variants());
        let fast = chosen(&[], true);
        assert!(!fast.contains(&Stage::Browser) && !fast.contains(&Stage::Kill));
        assert!(fast.contains(&Stage::Rust));
        // The usual order, whatever order was typed.
        assert_eq!(chosen(&[Stage::Rust, Stage::Tidy], false), [Stage::Tidy, Stage::Rust]);
    }

    #[test]
    fn a_failed_stage_fails_the_whole_run() {
        let row = |outcome| Row { stage: Stage::Tidy, took: Duration::ZERO, outcome };
        assert!(report(&[row(Outcome::Passed), row(Outcome::LeftOut("why"))]).is_ok());
        assert!(report(&[row(Outcome::Passed), row(Outcome::Failed("why".into()))]).is_err());
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 m 05 s");
    }
}
