//! The crate edges: who may depend on whom, as `docs/architecture.md` draws it. Cargo enforces
//! that an edge is declared; this rule enforces that it was decided.

use super::{File, Finding, Tree};

/// Our crates and what each may depend on outside its tests.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("store", &["model"]),
    ("expr", &["model"]),
    ("runtime", &["model"]),
    ("platform", &["model", "store", "expr", "runtime"]),
    ("webhooks", &["model", "store", "expr", "runtime"]),
    ("workflows", &["model", "store", "expr", "runtime"]),
    ("api", &["model", "store", "runtime", "platform", "webhooks", "workflows"]),
    ("server", &["model", "store", "expr", "runtime", "platform", "webhooks", "workflows", "api"]),
    ("testkit", &["model", "store", "runtime"]),
    ("xtask", &[]),
    ("bench", &["testkit"]),
];

/// Outside crates that only some of ours may name, with what the others should do.
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (
        &["rusqlite", "tokio-postgres", "postgres", "refinery", "sqlx", "deadpool-postgres"],
        &["store", "testkit", "bench"],
        "only `store` names a database driver: add a function there",
    ),
    (
        &["postgres-protocol"],
        &["webhooks"],
        "only `webhooks::send` speaks to the databases of others",
    ),
    (
        &["hyper", "hyper-util"],
        // The server accepts connections with it; the lints keep it from opening any.
        &["webhooks", "server", "testkit", "bench"],
        "only `webhooks::send` opens outbound connections: call it through a trait",
    ),
    (
        &["reqwest"],
        &["webhooks", "testkit", "bench"],
        "only `webhooks::send` opens outbound connections: call it through a trait",
    ),
    (
        &["tokio-rustls", "rustls"],
        // The store speaks TLS to its own database, which is not a call out.
        &["webhooks", "store", "testkit", "bench"],
        "only `webhooks::send` opens outbound connections: call it through a trait",
    ),
    (
        &["rquickjs", "ruby-prism"],
        &["expr"],
        "only `expr` holds script engines: add a function there",
    ),
    (
        &["axum", "utoipa", "utoipa-axum", "tower-http"],
        &["api", "server"],
        "only `api` knows requests",
    ),
    (&["lettre"], &["server"], "mail is sent through `runtime::mail::Mailer`"),
    (&["rand"], &["runtime"], "only `runtime` draws randomness"),
];

/// A line of a manifest that names a dependency.
#[derive(Debug, PartialEq, Eq)]
struct Dependency<'a> {
    name: &'a str,
    line: usize,
    dev: bool,
}

/// Checks every manifest of ours.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().values() {
        let folder = file.path.strip_suffix("/Cargo.toml");
        let Some(name) = folder.map(|folder| folder.strip_prefix("crates/").unwrap_or(folder))
        else {
            continue;
        };
        match EDGES.iter().find(|(ours, _)| *ours == name) {
            Some((_, allowed)) => manifest(file, name, allowed, &mut findings),
            None => findings.push(Finding::new(
                &file.path,
                1,
                "a new crate: draw it in docs/architecture.md and give it a row in \
                 xtask/src/tidy/edges.rs",
            )),
        }
    }
    findings
}

fn manifest(file: &File, name: &str, allowed: &[&str], findings: &mut Vec<Finding>) {
    for Dependency { name: wanted, line, dev } in dependencies(&file.text) {
        if dev {
            continue;
        }
        let ours = EDGES.iter().any(|(ours, _)| *ours == wanted);
        if ours && !allowed.contains(&wanted) {
            let advice = if wanted == "testkit" {
                "`testkit` is for tests: move it to [dev-dependencies]".to_owned()
            } else {
                format!(
                    "`{name}` must not depend on `{wanted}` (docs/architecture.md): name a small \
                     trait in `{name}` and let the server wire it"
                )
            };
            findings.push(Finding::new(&file.path, line, advice));
        }
        for (outside, keepers, advice) in RESERVED {
            if outside.contains(&wanted) && !keepers.contains(&name) {
                findings.push(Finding::new(&file.path, line, *advice));
            }
        }
    }
}

/// The dependencies of a manifest, from the tables' headers and the keys below them.
fn dependencies(text: &str) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut table: Option<bool> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let number = index + 1;
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            table = None;
            for (kind, dev) in
                [("dev-dependencies", true), ("build-dependencies", false), ("dependencies", false)]
            {
                if header == kind || header.ends_with(&format!(".{kind}")) {
                    table = Some(dev);
                    break;
                }
                if let Some(name) = header.strip_prefix(&format!("{kind}.")) {
                    found.push(Dependency { name, line: number, dev });
                    break;
                }
            }
        } else if let Some(dev) = table {
            let end = line.find(['.', ' ', '=']).unwrap_or(0);
            if let Some(name) = line.get(..end).filter(|name| !name.is_empty() && *name != "#") {
                found.push(Dependency { name, line: number, dev });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::{check, dependencies};

    #[test]
    fn an_engine_does_not_depend_on_another() {
        let text = "[dependencies]\nmodel.workspace = true\nworkflows.workspace = true\n";
        assert_eq!(
            places(check, &[("crates/webhooks/Cargo.toml", text)]),
            ["crates/webhooks/Cargo.toml:3"]
        );
    }

    #[test]
    fn tests_may_use_the_test_kit_and_products_may_not() {
        let text = "[dev-dependencies]\ntestkit.workspace = true\n";
        assert_eq!(places(check, &[("crates/store/Cargo.toml", text)]), [""; 0]);
        let text = "[dependencies.testkit]\nworkspace = true\n";
        assert_eq!(
            places(check, &[("crates/store/Cargo.toml", text)]),
            ["crates/store/Cargo.toml:1"]
        );
    }

    #[test]
    fn drivers_and_clients_stay_in_their_crates() {
        let text = concat!(
            "[dependencies]\n",
            "rusqlite = \"1\"\n",
            "[target.'cfg(unix)'.dependencies]\n",
            "reqwest = { version = \"1\" }\n",
        );
        assert_eq!(
            places(check, &[("crates/api/Cargo.toml", text)]),
            ["crates/api/Cargo.toml:2", "crates/api/Cargo.toml:4"]
        );
        assert_eq!(
            places(check, &[("crates/store/Cargo.toml", "[dependencies]\nrusqlite = \"1\"\n")]),
            [""; 0]
        );
    }

    #[test]
    fn a_new_crate_is_drawn() {
        assert_eq!(
            places(check, &[("crates/utils/Cargo.toml", "")]),
            ["crates/utils/Cargo.toml:1"]
        );
        assert_eq!(
            places(check, &[("Cargo.toml", "[workspace.dependencies]\nx = \"1\"\n")]),
            [""; 0]
        );
    }

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let text = concat!(
            "[package]\n",
            "name = \"x\"\n",
            "[dependencies]\n",
            "a = \"1\"\n",
            "b.workspace = true\n",
            "# c = \"1\"\n",
            "[dependencies.d]\n",
            "[dev-dependencies]\n",
            "e = { path = \"e\" }\n",
            "[lints]\n",
            "f = true\n",
        );
        let found: Vec<(&str, bool)> =
            dependencies(text).iter().map(|found| (found.name, found.dev)).collect();
        assert_eq!(found, [("a", false), ("b", false), ("d", false), ("e", true)]);
    }
}
