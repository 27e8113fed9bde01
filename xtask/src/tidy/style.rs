//! How a file opens, how lints are silenced, and what a comment may leave open.

use super::{File, Finding, Tree};

/// Words that announce unfinished work.
const OPEN_ENDS: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
/// What such a comment must name.
const DECISIONS: &str = "docs/decisions/";

/// Checks openings, silenced lints and open ends.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().values().filter(|file| !file.is_generated()) {
        opening(file, &mut findings);
        silenced(file, &mut findings);
        open_ends(file, &mut findings);
    }
    findings
}

/// A file opens with what it is.
fn opening(file: &File, findings: &mut Vec<Finding>) {
    let (starts, advice): (&[&str], _) = if file.is(&["rs"]) {
        (&["//! "], "open the file with `//!` and what it is")
    } else if file.is(&["ts", "tsx", "js", "mjs", "css"]) {
        (&["//", "/*"], "open the file with a comment that says what it is")
    } else if file.is(&["sql"]) {
        (&["--"], "open the file with a `--` comment that says what it is")
    } else {
        return;
    };
    let first = file.lines().find(|(_, line)| !line.starts_with("#!/"));
    let (number, line) = first.unwrap_or((1, ""));
    if !starts.iter().any(|start| line.starts_with(start)) {
        findings.push(Finding::new(&file.path, number, advice));
    }
}

/// A silenced lint gives its reason and is noticed when it is no longer needed; so does a test
/// that is left out.
fn silenced(file: &File, findings: &mut Vec<Finding>) {
    let Some(source) = &file.rust else { return };
    for (index, line) in source.code().lines().enumerate() {
        let has_reason = || {
            let attribute = source.code().lines().skip(index).take(8).collect::<String>();
            attribute.split(']').next().is_some_and(|text| text.contains("reason"))
        };
        let advice = if line.contains("#[allow(") {
            "write `#[expect(…, reason = \"…\")]`: it is noticed when it is no longer needed"
        } else if line.contains("#![allow(") && !has_reason() {
            "give the reason: `#![allow(…, reason = \"…\")]`"
        } else if (line.contains("#[expect(") || line.contains("#![expect(")) && !has_reason() {
            "give the reason: `#[expect(…, reason = \"…\")]`"
        } else if line.contains("#[ignore]") {
            "run the test, or give the reason: `#[ignore = \"…\"]`"
        } else {
            continue;
        };
        findings.push(Finding::new(&file.path, index + 1, advice));
    }
}

/// Unfinished work is a decision that somebody can read.
fn open_ends(file: &File, findings: &mut Vec<Finding>) {
    let mut judge = |line: usize, comment: &str| {
        let open = comment
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| OPEN_ENDS.contains(word));
        if let Some(word) = open.filter(|_| !comment.contains(DECISIONS)) {
            let advice =
                format!("finish it, or write a page in {DECISIONS} and name it beside {word}");
            findings.push(Finding::new(&file.path, line, advice));
        }
    };
    if let Some(source) = &file.rust {
        for comment in source.comments() {
            judge(comment.line, &comment.text);
        }
    } else if file.is(&["ts", "tsx", "js", "mjs", "css", "sql", "toml", "sh", "yml", "html"]) {
        for (number, line) in file.lines() {
            let comment = ["//", "/*", "--", "# ", "<!--"].iter().find_map(|mark| line.find(mark));
            if let Some(comment) = comment.and_then(|at| line.get(at..)) {
                judge(number, comment);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::check;

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(places(check, &[("a.rs", "use x;\n")]), ["a.rs:1"]);
        assert_eq!(places(check, &[("a.rs", "//! A.\n")]), [""; 0]);
        assert_eq!(places(check, &[("a.tsx", "import x\n")]), ["a.tsx:1"]);
        assert_eq!(places(check, &[("a.mjs", "#!/usr/bin/env node\n// A.\n")]), [""; 0]);
        assert_eq!(places(check, &[("a.sql", "CREATE\n")]), ["a.sql:1"]);
    }

    #[test]
    fn allow_is_found_and_expect_is_not() {
        let text = "//! A.\n#[allow(dead_code)]\n#[expect(dead_code, reason = \"x\")]\nfn f() {}\n";
        assert_eq!(places(check, &[("a.rs", text)]), ["a.rs:2"]);
        let text = "//! A.\n#![allow(unused)]\n#![allow(\n    unused,\n    reason = \"x\"\n)]\n";
        assert_eq!(places(check, &[("a.rs", text)]), ["a.rs:2"]);
        assert_eq!(places(check, &[("a.rs", "//! Not `#[allow(x)]`.\n")]), [""; 0]);
        assert_eq!(places(check, &[("a.rs", "//! A.\n#[expect(dead_code)]\n")]), ["a.rs:2"]);
        assert_eq!(places(check, &[("a.rs", "//! A.\n#[test]\n#[ignore]\n")]), ["a.rs:3"]);
    }

    #[test]
    fn open_ends_need_a_decision() {
        assert_eq!(places(check, &[("a.rs", "//! A.\n// TODO: later\n")]), ["a.rs:2"]);
        assert_eq!(places(check, &[("a.rs", "//! A.\nconst S: &str = \"TODO\";\n")]), [""; 0]);
        assert_eq!(places(check, &[("a.ts", "// A.\nx() // FIXME\n")]), ["a.ts:2"]);
        let kept = "//! A.\n// TODO (docs/decisions/0007-x.md): later\n";
        assert_eq!(places(check, &[("a.rs", kept)]), [""; 0]);
    }
}
