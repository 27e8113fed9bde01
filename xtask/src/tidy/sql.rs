//! Only `store` contains SQL.

use super::{Finding, Tree};

/// Where SQL may stand: the store, the test databases, the tests of operations on databases of
/// others, the benchmark's bare-commit floor, and here.
const HOMES: &[&str] = &[
    "crates/store/",
    "crates/testkit/",
    "crates/webhooks/tests/it/statements.rs",
    "crates/server/tests/it/databases.rs",
    "bench/",
    "xtask/src/tidy/",
];

/// How a statement begins and what must follow for it to be one.
const STATEMENTS: &[(&str, &str)] = &[
    ("SELECT ", " FROM "),
    ("INSERT INTO ", " VALUES"),
    ("INSERT INTO ", " SELECT"),
    ("UPDATE ", " SET "),
    ("DELETE FROM ", ""),
    ("CREATE TABLE ", ""),
    ("CREATE INDEX ", ""),
    ("ALTER TABLE ", ""),
];

/// Names of drivers as they appear in code.
const DRIVERS: &[&str] = &["rusqlite::", "tokio_postgres::", "refinery::"];

/// Looks for statements in string literals and for drivers in code.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        if HOMES.iter().any(|home| file.path.starts_with(home)) {
            continue;
        }
        for text in source.strings().iter().filter(|text| is_statement(&text.text)) {
            let advice = "only `store` contains SQL: write a function there and call it";
            findings.push(Finding::new(&file.path, text.line, advice));
        }
        for (index, line) in source.code().lines().enumerate() {
            if DRIVERS.iter().any(|driver| line.contains(driver)) {
                let advice = "only `store` names a database driver: add a function there";
                findings.push(Finding::new(&file.path, index + 1, advice));
            }
        }
    }
    findings
}

/// Whether a text is SQL, as we write it: keywords in capitals, at its beginning.
fn is_statement(text: &str) -> bool {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ") + " ";
    STATEMENTS.iter().any(|(start, follows)| flat.starts_with(start) && flat.contains(follows))
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::check;

    #[test]
    fn statements_are_found_outside_the_store() {
        let text = "//! A.\nconst Q: &str = \"\n  SELECT id\n  FROM jobs\";\n";
        assert_eq!(places(check, &[("crates/api/src/a.rs", text)]), ["crates/api/src/a.rs:2"]);
        assert_eq!(places(check, &[("crates/store/src/a.rs", text)]), [""; 0]);
    }

    #[test]
    fn drivers_are_found_outside_the_store() {
        let text = "//! A.\nuse rusqlite::Connection;\n";
        assert_eq!(places(check, &[("crates/api/src/a.rs", text)]), ["crates/api/src/a.rs:2"]);
    }

    #[test]
    fn ordinary_sentences_are_no_statements() {
        let text = concat!(
            "//! SELECT x FROM y.\n",
            "const A: &str = \"SELECT one of these\";\n",
            "const B: &str = \"UPDATE it\";\n",
        );
        assert_eq!(places(check, &[("crates/api/src/a.rs", text)]), [""; 0]);
    }
}
