//! Console files that nothing imports. A path in quotes that starts with a dot is taken for an
//! import, wherever it stands: enough to find what is dead, and never wrong about what is alive.

use std::collections::BTreeSet;

use super::tree::resolve;
use super::{File, Finding, Tree};

const SOURCES: &str = "console/src/";
/// Where a build or a test runner starts reading.
const ROOTS: &[&str] = &["console/src/main.tsx"];

/// Checks the console's sources.
pub(super) fn dead(tree: &Tree) -> Vec<Finding> {
    let sources = || tree.files().values().filter(|file| file.path.starts_with(SOURCES));
    let mut open: Vec<&File> = sources().filter(|file| is_root(&file.path)).collect();
    let mut reached: BTreeSet<&str> = open.iter().map(|file| file.path.as_str()).collect();
    while let Some(file) = open.pop() {
        for next in imports(tree, file) {
            if reached.insert(&next.path) {
                open.push(next);
            }
        }
    }
    sources()
        .filter(|file| file.is(&["ts", "tsx", "css"]) && !reached.contains(file.path.as_str()))
        .map(|file| Finding::new(&file.path, 1, "nothing imports this file: use it or delete it"))
        .collect()
}

fn is_root(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ROOTS.contains(&path) || name.contains(".test.") || name.ends_with(".d.ts")
}

/// The files that a file's quoted relative paths lead to.
fn imports<'a>(tree: &'a Tree, file: &'a File) -> impl Iterator<Item = &'a File> {
    let quoted = file.text.split(['\'', '"', '`']);
    quoted.filter(|text| text.starts_with("./") || text.starts_with("../")).flat_map(move |text| {
        let place = resolve(&file.path, text.split('?').next().unwrap_or(text));
        let endings = ["", ".ts", ".tsx", "/index.ts", "/index.tsx"];
        endings.into_iter().filter_map(move |ending| tree.get(&format!("{place}{ending}")))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::dead;

    #[test]
    fn files_that_nothing_imports_are_dead() {
        let files = [
            ("console/src/main.tsx", "import { a } from './a';\nimport './b/theme.css';\n"),
            ("console/src/a.ts", "const page = lazy(() => import(\"./b/page\"));\n"),
            ("console/src/b/page.tsx", "import x from '../c';\n"),
            ("console/src/b/theme.css", ""),
            ("console/src/c/index.ts", ""),
            ("console/src/c/c.test.ts", "import './helper';\n"),
            ("console/src/c/helper.ts", ""),
            ("console/src/vite-env.d.ts", ""),
            ("console/src/orphan.ts", "import './a';\n"),
        ];
        assert_eq!(places(dead, &files), ["console/src/orphan.ts:1"]);
    }
}
