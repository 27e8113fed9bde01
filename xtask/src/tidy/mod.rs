//! `cargo xtask tidy`: the house rules that a program can check. Each rule is a function from the
//! repository's files to findings; each finding names a file and a line and says what to do.

mod edges;
mod files;
mod history;
mod lengths;
mod prose;
mod source;
mod sql;
mod style;
mod tree;
mod web;

use anyhow::{Result, bail};

use crate::project;
pub(crate) use tree::{File, Tree};

/// Something to put right.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    advice: String,
}

impl Finding {
    fn new(path: &str, line: usize, advice: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, advice: advice.into() }
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    lengths::check,
    style::check,
    edges::check,
    sql::check,
    files::dead,
    files::migrations,
    files::generated,
    history::changelog,
    prose::links,
    web::dead,
];

/// Checks every rule on the files of the repository and prints what it finds.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::load(&project::root())?;
    let findings = check(&tree);
    for Finding { path, line, advice } in &findings {
        println!("{path}:{line}: {advice}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing to put right", tree.files().len());
        return Ok(());
    }
    bail!("tidy found {} things to put right", findings.len())
}

fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings
}

/// What the rules' tests share.
#[cfg(test)]
mod testing {
    use super::{Finding, Rule, Tree};

    /// Runs a rule on made-up files and returns its findings as `path:line`.
    pub(super) fn places(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
        let findings = rule(&Tree::of(files));
        findings.iter().map(|Finding { path, line, .. }| format!("{path}:{line}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_in_the_order_of_files_and_lines() {
        let text = format!("//! A file.\n{}\n#[allow(dead_code)]\n", "x".repeat(101));
        let tree = Tree::of(&[
            ("xtask/src/main.rs", &text),
            ("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- Something.\n"),
        ]);
        let lines: Vec<usize> = check(&tree).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2, 3]);
    }
}
