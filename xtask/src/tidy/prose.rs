//! Links between documents lead somewhere: to a file or folder of the repository, and to a
//! heading where they name one. Addresses on the web are not followed.

use super::tree::resolve;
use super::{File, Finding, Tree};

/// Checks the links of every Markdown file.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().values().filter(|file| file.is(&["md"])) {
        for (number, target) in targets(file) {
            if let Some(advice) = broken(tree, file, target) {
                findings.push(Finding::new(&file.path, number, advice));
            }
        }
    }
    findings
}

/// What is wrong with a link, if anything.
fn broken(tree: &Tree, file: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let place = if path.is_empty() { file.path.clone() } else { resolve(&file.path, path) };
    if !tree.has(place.trim_end_matches('/')) {
        return Some(format!("the link leads to `{place}`, which is not there: mend or remove it"));
    }
    let document =
        tree.get(&place).filter(|document| document.is(&["md"]) && !heading.is_empty())?;
    if headings(document).any(|found| found == heading) {
        return None;
    }
    Some(format!("`{place}` has no heading `#{heading}`: mend the link"))
}

/// The targets of links and pictures, outside code.
fn targets(file: &File) -> impl Iterator<Item = (usize, &str)> {
    prose(file).flat_map(|(number, line)| {
        line.match_indices("](").filter_map(move |(at, _)| {
            let before = line.get(..at)?;
            let rest = line.get(at + 2..)?;
            // An odd number of ticks before it: the link stands inside code.
            let inside_code = before.matches('`').count() % 2 == 1 && rest.contains('`');
            let target = rest.split([')', ' ']).next()?;
            (!inside_code).then_some((number, target))
        })
    })
}

/// The headings as anchors: lower case, spaces as hyphens, other signs left out.
fn headings(file: &File) -> impl Iterator<Item = String> {
    prose(file).filter_map(|(_, line)| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len() && text.starts_with(' ')).then(|| {
            text.trim()
                .to_lowercase()
                .chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                })
                .collect()
        })
    })
}

/// The lines outside fenced code.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    file.lines().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::places;
    use super::links;

    #[test]
    fn links_lead_to_files_folders_and_headings() {
        let files = [
            (
                "docs/a.md",
                "[ok](b.md) [ok](../README.md#the-loop-one) [ok](https://x.y/z) [ok](#here)\n\
                 # Here\n\
                 [gone](c.md)\n\
                 [no such heading](b.md#what)\n\
                 ![picture](images/home.png)\n\
                 [folder](.) `[code](no.md)`\n\
                 ```\n[code](no.md)\n```\n",
            ),
            ("docs/b.md", "# B\n"),
            ("README.md", "## The loop (one)\n"),
        ];
        assert_eq!(places(links, &files), ["docs/a.md:3", "docs/a.md:4", "docs/a.md:5"]);
    }
}
