//! How long a file, a function and a line may be.

use super::{Finding, Tree};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 100;
const LINE_COLUMNS_MAX: usize = 100;

/// Files whose length a reader feels.
const SOURCES: &[&str] = &["rs", "ts", "tsx", "js", "mjs", "css", "sql", "sh", "toml"];

/// Checks files, functions and lines.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().values().filter(|file| file.is(SOURCES) && !file.is_generated()) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            let advice = format!(
                "the file has {lines} lines, {FILE_LINES_MAX} are allowed: split it by what it does"
            );
            findings.push(Finding::new(&file.path, 1, advice));
        }
    }
    for (file, source) in tree.rust() {
        for function in source.functions() {
            let lines = function.lines.len();
            if lines > FUNCTION_LINES_MAX {
                let advice = format!(
                    "`{}` has {lines} lines, {FUNCTION_LINES_MAX} are allowed: name its steps",
                    function.name
                );
                findings.push(Finding::new(&file.path, function.lines.start, advice));
            }
        }
        for (number, line) in file.lines() {
            let columns = line.chars().count();
            if columns > LINE_COLUMNS_MAX {
                let advice = format!(
                    "the line has {columns} columns, {LINE_COLUMNS_MAX} are allowed: break it"
                );
                findings.push(Finding::new(&file.path, number, advice));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::check;

    #[test]
    fn long_files_are_found() {
        let long = "select 1;\n".repeat(801);
        assert_eq!(places(check, &[("a.sql", &long)]), ["a.sql:1"]);
        assert_eq!(places(check, &[("a.md", &long)]), [""; 0]);
        let generated = format!("// @generated\n{long}");
        assert_eq!(places(check, &[("a.ts", &generated)]), [""; 0]);
    }

    #[test]
    fn long_functions_are_found_where_they_start() {
        let body =
            |lines: usize| format!("//! A.\n\nfn long() {{\n{}}}\n", "    x();\n".repeat(lines));
        assert_eq!(places(check, &[("a.rs", &body(98))]), [""; 0]);
        assert_eq!(places(check, &[("a.rs", &body(99))]), ["a.rs:3"]);
    }

    #[test]
    fn long_lines_are_counted_in_characters() {
        let line = |columns: usize| format!("//! A.\n// {}\n", "é".repeat(columns - 3));
        assert_eq!(places(check, &[("a.rs", &line(100))]), [""; 0]);
        assert_eq!(places(check, &[("a.rs", &line(101))]), ["a.rs:2"]);
    }
}
