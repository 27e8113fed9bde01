//! The changelog tells what is coming.

use super::{Finding, Tree};

const CHANGELOG: &str = "CHANGELOG.md";
const HEADING: &str = "## Unreleased";

/// The changelog has an Unreleased section with at least one line.
pub(super) fn changelog(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.get(CHANGELOG) else {
        return vec![Finding::new(
            CHANGELOG,
            1,
            "write a changelog with an `## Unreleased` section",
        )];
    };
    let Some((line, _)) = file.lines().find(|(_, line)| *line == HEADING) else {
        return vec![Finding::new(CHANGELOG, 1, "add an `## Unreleased` section at the top")];
    };
    let entries = file
        .text
        .lines()
        .skip(line)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("- "))
        .count();
    if entries > 0 {
        return Vec::new();
    }
    vec![Finding::new(CHANGELOG, line, "say what changed, in the users' words, as a `- ` line")]
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::changelog;

    #[test]
    fn unreleased_needs_a_line() {
        let check = |text: &str| places(changelog, &[("CHANGELOG.md", text)]);
        assert_eq!(places(changelog, &[]), ["CHANGELOG.md:1"]);
        assert_eq!(check("# Changelog\n"), ["CHANGELOG.md:1"]);
        let empty = "# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- First.\n";
        assert_eq!(check(empty), ["CHANGELOG.md:3"]);
        assert_eq!(check("# Changelog\n\n## Unreleased\n\n- Something.\n"), [""; 0]);
    }
}
