//! Where a job goes: to this server's workflow engine, or out.
//!
//! A URL that begins with `/`, or with this server's own address, means the engine: the documented
//! run-tree path of API v1, or the runs path of v2 (by guid or by the three names). Any other path
//! of this server is nowhere: such a job fails with 404, as the documented platform answers. Only
//! the request inspectors are reached as if they were outside: their use is to see the request.

use crate::guard::INSPECT;
use url::{Url, form_urlencoded};

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a tree of this server, addressed in the manner of an API version.
    Inside(Tree, Version),
    /// To this server, but to nothing that starts a workflow.
    Nowhere,
    /// Out.
    Outside,
}

/// A tree as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// By source, group and name.
    Title {
        /// The source's name.
        source: String,
        /// The group, such as `Submissions > services > laptop`.
        group: String,
        /// The name.
        name: String,
    },
    /// By its id.
    Guid(String),
}

/// The API version whose answer the job records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `…/api/v1/run-tree/…`.
    V1,
    /// `…/api/v2/runs?…`.
    V2,
}

/// Prefixes under which the engine's routes stand.
const PREFIXES: [&str; 3] =
    ["/app/components/task/app/api/", "/app/api/", "/kinetic-task/app/api/"];

/// Reads where `url` leads; `public` is this server's own address.
pub fn read(url: &str, public: Option<&Url>) -> Target {
    let Some(local) = local(url, public) else { return Target::Outside };
    if local.starts_with(INSPECT) && !url.starts_with('/') {
        return Target::Outside;
    }
    inside(local).map_or(Target::Nowhere, |(tree, version)| Target::Inside(tree, version))
}

/// The path and query of a URL of this server.
fn local<'a>(url: &'a str, public: Option<&Url>) -> Option<&'a str> {
    if url.starts_with('/') {
        return Some(url);
    }
    let public = public?;
    let parsed = Url::parse(url).ok()?;
    if parsed.origin() != public.origin() {
        return None;
    }
    let after_scheme = url.find("://")? + 3;
    let path = url.get(after_scheme..)?.find('/')? + after_scheme;
    let path = url.get(path..)?;
    path.strip_prefix(public.path().trim_end_matches('/'))
}

fn inside(local: &str) -> Option<(Tree, Version)> {
    let local = local.split('#').next().unwrap_or(local);
    let (path, query) = local.split_once('?').unwrap_or((local, ""));
    let rest = route(path).or_else(|| {
        // The space's slug may stand in front: `/acme/app/api/…`.
        let (_, rest) = path.strip_prefix('/')?.split_once('/')?;
        route(path.get(path.len() - rest.len() - 1..)?)
    })?;
    if let Some(names) = rest.strip_prefix("v1/run-tree/") {
        let segments: Option<Vec<String>> =
            names.trim_end_matches('/').split('/').map(decode).collect();
        let [source, group, name] = <[String; 3]>::try_from(segments?).ok()?;
        return Some((Tree::Title { source, group, name }, Version::V1));
    }
    if rest.trim_end_matches('/') != "v2/runs" {
        return None;
    }
    let mut names = [None, None, None];
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match key.as_ref() {
            "guid" => return Some((Tree::Guid(value), Version::V2)),
            "sourceName" => names[0] = Some(value),
            "sourceGroup" => names[1] = Some(value),
            "name" => names[2] = Some(value),
            _ => {}
        }
    }
    let [Some(source), Some(group), Some(name)] = names else { return None };
    Some((Tree::Title { source, group, name }, Version::V2))
}

fn route(path: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix))
}

/// Undoes percent-encoding; `None` when it is broken or empty.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(source: &str, group: &str, name: &str) -> Tree {
        Tree::Title { source: source.into(), group: group.into(), name: name.into() }
    }

    #[test]
    fn urls_lead_inside_nowhere_or_outside() {
        let public = Url::parse("https://kapok.example.com/base/").unwrap();
        let check =
            |url: &str, expect: Target| assert_eq!(read(url, Some(&public)), expect, "{url}");
        let laptop = || title("Kinetic Request CE", "Submissions > services > laptop", "Submitted");
        let path = "/app/api/v1/run-tree/Kinetic%20Request%20CE\
                    /Submissions%20%3E%20services%20%3E%20laptop/Submitted";
        let v1 = |tree| Target::Inside(tree, Version::V1);
        let v2 = |tree| Target::Inside(tree, Version::V2);
        check(path, v1(laptop()));
        check(&format!("/acme{path}"), v1(laptop()));
        check(&format!("https://kapok.example.com/base{path}"), v1(laptop()));
        check(&format!("https://kapok.example.com:443/base/acme{path}"), v1(laptop()));
        check(&format!("https://other.example.com/base{path}"), Target::Outside);
        check("/app/api/v2/runs?guid=2e0f", v2(Tree::Guid("2e0f".into())));
        check("/app/components/task/app/api/v2/runs?guid=2e0f", v2(Tree::Guid("2e0f".into())));
        check(
            "/app/api/v2/runs?sourceName=S&sourceGroup=A+%3E+B&name=N",
            v2(title("S", "A > B", "N")),
        );
        check("/app/api/v2/runs?sourceName=S", Target::Nowhere);
        check("/app/api/v1/run-tree/a/b", Target::Nowhere);
        check("/app/api/v1/run-tree/a/b/c/d", Target::Nowhere);
        check("/app/api/v1/run-tree/a//c", Target::Nowhere);
        check("/app/api/v1/run-tree/a/%zz/c", Target::Nowhere);
        check("/somewhere", Target::Nowhere);
        check("//evil.example.com/app/api/v1/run-tree/a/b/c", Target::Nowhere);
        check("https://example.com/", Target::Outside);
        check("https://kapok.example.com/base/inspect/t", Target::Outside);
        check("/inspect/t", Target::Nowhere);
    }
}
