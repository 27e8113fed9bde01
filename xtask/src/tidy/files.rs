//! Files that nothing reaches, migrations that exist on one database only, generated files that
//! do not say so.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Tree};

/// Where the two databases' migrations lie, a folder for each below it.
const MIGRATIONS: &str = "crates/store/migrations/";
/// Files that a program writes and that cannot all say so inside.
const GENERATED: &[&str] = &["Cargo.lock", "docs/openapi.json", "console/src/api/schema.d.ts"];
/// Where reviewers' tools are told that a file is generated.
const ATTRIBUTES: &str = ".gitattributes";

/// Rust files that no module tree reaches, and console files that none imports.
pub(super) fn dead(tree: &Tree) -> Vec<Finding> {
    let mut reached: BTreeSet<String> =
        tree.rust().map(|(file, _)| &file.path).filter(|path| is_root(path)).cloned().collect();
    let mut open: Vec<String> = reached.iter().cloned().collect();
    while let Some(path) = open.pop() {
        for next in children(tree, &path) {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    tree.rust()
        .filter(|(file, _)| !reached.contains(&file.path))
        .map(|(file, _)| {
            Finding::new(&file.path, 1, "no `mod` reaches this file: declare it or delete it")
        })
        .collect()
}

/// Whether Cargo compiles a file by itself.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.rsplit('/').collect();
    match parts.as_slice() {
        ["build.rs", above, ..] if *above != "src" => true,
        ["lib.rs" | "main.rs", "src", ..] => true,
        [_, "bin", "src", ..] => true,
        [_, "tests" | "benches" | "examples", above, ..] => *above != "src",
        ["main.rs", _, "tests" | "benches" | "examples" | "bin", ..] => true,
        _ => false,
    }
}

/// The files that a file's `mod` lines name.
fn children(tree: &Tree, path: &str) -> Vec<String> {
    let Some(source) = tree.get(path).and_then(|file| file.rust.as_ref()) else {
        return Vec::new();
    };
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.trim_end_matches(".rs");
    let base =
        if stem == "mod" || is_root(path) { folder.to_owned() } else { format!("{folder}/{stem}") };
    let mut found = Vec::new();
    for module in source.modules() {
        let mut place = base.clone();
        for outer in &module.within {
            place = format!("{place}/{outer}");
        }
        for candidate in
            [format!("{place}/{}.rs", module.name), format!("{place}/{}/mod.rs", module.name)]
        {
            if tree.get(&candidate).is_some() {
                found.push(candidate);
            }
        }
    }
    found
}

/// Every migration exists, under the same name, for every database.
pub(super) fn migrations(tree: &Tree) -> Vec<Finding> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut databases = BTreeSet::new();
    for path in tree.files().keys() {
        let below = path.strip_prefix(MIGRATIONS).filter(|below| below.ends_with(".sql"));
        if let Some((database, name)) = below.and_then(|below| below.split_once('/')) {
            databases.insert(database);
            names.entry(name).or_default().push(database);
        }
    }
    let mut findings = Vec::new();
    for (name, found) in names {
        for missing in databases.iter().filter(|database| !found.contains(database)) {
            let path = format!("{MIGRATIONS}{missing}/{name}");
            findings.push(Finding::new(
                &path,
                1,
                "the other database has this migration: write it",
            ));
        }
    }
    findings
}

/// A generated file is marked, so that reviews fold it and nobody edits it.
pub(super) fn generated(tree: &Tree) -> Vec<Finding> {
    let attributes = tree.get(ATTRIBUTES).map_or("", |file| file.text.as_str());
    let marked = |path: &str| {
        attributes.lines().any(|line| line.split_whitespace().eq([path, "linguist-generated=true"]))
    };
    tree.files()
        .values()
        .filter(|file| !file.is(&["rs", "md"]))
        .filter(|file| GENERATED.contains(&file.path.as_str()) || file.is_generated())
        .filter(|file| !marked(&file.path))
        .map(|file| {
            let advice = format!(
                "a generated file: add `{} linguist-generated=true` to {ATTRIBUTES}",
                file.path
            );
            Finding::new(&file.path, 1, advice)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::{dead, generated, migrations};

    #[test]
    fn a_file_outside_the_module_tree_is_dead() {
        let files = [
            ("crates/a/src/lib.rs", "mod one;\nmod two { mod inner; }\n"),
            ("crates/a/src/one.rs", "mod deep;\n"),
            ("crates/a/src/one/deep.rs", ""),
            ("crates/a/src/two/inner.rs", ""),
            ("crates/a/src/orphan.rs", ""),
            ("crates/a/src/one/mod_less.rs", ""),
            ("crates/a/build.rs", ""),
            ("crates/a/tests/it/main.rs", "mod jobs;\n"),
            ("crates/a/tests/it/jobs.rs", ""),
            ("crates/a/tests/it/lost.rs", ""),
        ];
        assert_eq!(
            places(dead, &files),
            [
                "crates/a/src/one/mod_less.rs:1",
                "crates/a/src/orphan.rs:1",
                "crates/a/tests/it/lost.rs:1"
            ]
        );
    }

    #[test]
    fn migrations_come_in_pairs() {
        let files = [
            ("crates/store/migrations/sqlite/V1__base.sql", ""),
            ("crates/store/migrations/postgres/V1__base.sql", ""),
            ("crates/store/migrations/sqlite/V2__more.sql", ""),
        ];
        assert_eq!(places(migrations, &files), ["crates/store/migrations/postgres/V2__more.sql:1"]);
    }

    #[test]
    fn generated_files_are_marked() {
        let client = ("console/src/api/schema.d.ts", "");
        assert_eq!(places(generated, &[client]), ["console/src/api/schema.d.ts:1"]);
        let other = ("console/src/routes.ts", "// @generated\n");
        assert_eq!(places(generated, &[other]), ["console/src/routes.ts:1"]);
        let marks = (".gitattributes", "console/src/api/schema.d.ts linguist-generated=true\n");
        assert_eq!(places(generated, &[client, marks]), [""; 0]);
    }
}
