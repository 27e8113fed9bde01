//! The catalogue: which types and events exist at which level, and their conventional trees.
//!
//! All names are known from the start, even where nothing fires them yet, so that a webhook with a
//! misspelt event is refused when it is saved instead of being silent for ever.

use serde::{Deserialize, Serialize};

/// Where a webhook lives: on the space or on one kapp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Defined on the space.
    Space,
    /// Defined on a kapp.
    Kapp,
}

impl Level {
    /// The name as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Space => "Space",
            Self::Kapp => "Kapp",
        }
    }
}

/// One type with its events, at one level.
#[derive(Debug)]
pub struct Type {
    /// The level.
    pub level: Level,
    /// The type's name as it stands in a webhook, such as `Submission`.
    pub name: &'static str,
    /// The events' names, in the order the documentation prints them.
    pub events: &'static [&'static str],
}

const FORM: &[&str] = &["Created", "Updated", "Deleted", "Restored"];
const TEAM: &[&str] = &["Created", "Updated", "Deleted", "Restored", "Membership Change"];
const SUBMISSION: &[&str] = &["Created", "Updated", "Saved", "Submitted", "Closed", "Deleted"];

/// Every type at every level.
pub const TYPES: &[Type] = &[
    Type { level: Level::Space, name: "Space", events: &["Login Failure"] },
    Type {
        level: Level::Space,
        name: "User",
        events: &["Login", "Logout", "Created", "Updated", "Deleted", "Membership Change"],
    },
    Type { level: Level::Space, name: "Team", events: TEAM },
    Type { level: Level::Space, name: "Datastore Form", events: FORM },
    Type {
        level: Level::Space,
        name: "Datastore Submission",
        events: &["Created", "Updated", "Deleted", "Saved", "Submitted"],
    },
    Type {
        level: Level::Space,
        name: "Discussion",
        events: &["Created", "Invitation Created", "Invitation Updated", "Notification"],
    },
    Type { level: Level::Space, name: "Form", events: FORM },
    Type { level: Level::Space, name: "Submission", events: SUBMISSION },
    // Our own: what the server notices about webhooks. See `notice`.
    Type { level: Level::Space, name: "Webhook", events: &["Failing", "Recovered", "Disabled"] },
    Type { level: Level::Kapp, name: "Form", events: FORM },
    Type { level: Level::Kapp, name: "Submission", events: SUBMISSION },
];

/// The types of a level, in order.
pub fn types(level: Level) -> impl Iterator<Item = &'static Type> {
    TYPES.iter().filter(move |t| t.level == level)
}

/// Finds a type and event by their split names, exactly; `None` when the catalogue lacks them.
pub fn find(level: Level, name: &str, event: &str) -> Option<(&'static str, &'static str)> {
    let found = types(level).find(|t| t.name == name)?;
    let event = found.events.iter().find(|e| **e == event)?;
    Some((found.name, event))
}

/// Reads the spelling that some clients send: both fields hold `Submission Submitted`, or the
/// event repeats its type (`Submission` · `Submission Submitted`, `Discussion Created`).
pub fn normalise(level: Level, name: &str, event: &str) -> Option<(&'static str, &'static str)> {
    let (name, event) = (name.trim(), event.trim());
    if let Some(found) = find(level, name, event) {
        return Some(found);
    }
    let mut candidates = types(level).collect::<Vec<_>>();
    candidates.sort_by_key(|t| std::cmp::Reverse(t.name.len()));
    candidates.into_iter().find_map(|t| {
        let rest = event.strip_prefix(t.name)?.strip_prefix(' ')?;
        let type_matches = name == t.name || name == event;
        let event = t.events.iter().find(|e| **e == rest)?;
        type_matches.then_some((t.name, *event))
    })
}

/// One row of the conventional set: which tree an action's webhook points at.
#[derive(Clone, Copy, Debug)]
pub struct Convention {
    /// The level of the webhook.
    pub level: Level,
    /// The webhook's type.
    pub type_name: &'static str,
    /// The webhook's event.
    pub event: &'static str,
    /// The tree group; `[kapp-slug]` and `[form-slug]` stand for the slugs.
    pub group: &'static str,
    /// The tree name.
    pub tree: &'static str,
}

/// The group of a type's conventional trees; `None` for types without a convention.
fn group(level: Level, type_name: &str) -> Option<&'static str> {
    Some(match (level, type_name) {
        (Level::Space, "Space") => "Space",
        (Level::Space, "User") => "Users",
        (Level::Space, "Team") => "Teams",
        (Level::Space, "Webhook") => "Webhooks",
        (Level::Space, "Datastore Form") => "Datastore Forms > [form-slug]",
        (Level::Space, "Datastore Submission") => "Datastore Submissions > [form-slug]",
        (Level::Kapp, "Form") => "[kapp-slug] > [form-slug]",
        (Level::Kapp, "Submission") => "Submissions > [kapp-slug] > [form-slug]",
        _ => return None,
    })
}

/// The conventional tree of one type and event.
pub fn convention(level: Level, type_name: &str, event: &str) -> Option<Convention> {
    let (type_name, event) = find(level, type_name, event)?;
    let group = group(level, type_name)?;
    Some(Convention { level, type_name, event, group, tree: event })
}

/// The fourteen rows of the conventional set that one action creates, in documented order.
pub fn seed_rows() -> Vec<Convention> {
    const ROWS: &[(Level, &str, &str)] = &[
        (Level::Space, "User", "Created"),
        (Level::Space, "User", "Updated"),
        (Level::Space, "User", "Deleted"),
        (Level::Space, "Team", "Created"),
        (Level::Space, "Team", "Updated"),
        (Level::Space, "Team", "Deleted"),
        (Level::Space, "Datastore Form", "Created"),
        (Level::Space, "Datastore Form", "Updated"),
        (Level::Space, "Datastore Submission", "Created"),
        (Level::Space, "Datastore Submission", "Submitted"),
        (Level::Kapp, "Form", "Created"),
        (Level::Kapp, "Form", "Updated"),
        (Level::Kapp, "Submission", "Created"),
        (Level::Kapp, "Submission", "Submitted"),
    ];
    ROWS.iter().filter_map(|(level, name, event)| convention(*level, name, event)).collect()
}

impl Convention {
    /// The URL template of the conventional webhook: literal parts percent-encoded, slugs as
    /// `${…}` expressions, the source's name taken from the space's attribute.
    pub fn url_template(&self) -> String {
        let group = self
            .group
            .replace(" > ", "%20%3E%20")
            .replace(' ', "%20")
            .replace("[kapp-slug]", "${kapp('slug')}")
            .replace("[form-slug]", "${form('slug')}");
        let tree = self.tree.replace(' ', "%20");
        format!("/app/api/v1/run-tree/${{space('attribute:Task Source Name')}}/{group}/{tree}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fourteen_rows() {
        let rows = seed_rows();
        assert_eq!(rows.len(), 14);
        assert_eq!(
            rows[13].url_template(),
            "/app/api/v1/run-tree/${space('attribute:Task Source Name')}\
             /Submissions%20%3E%20${kapp('slug')}%20%3E%20${form('slug')}/Submitted"
        );
    }

    #[test]
    fn combined_spellings_are_normalised() {
        let check = |name, event, expect| assert_eq!(normalise(Level::Kapp, name, event), expect);
        check("Submission", "Submitted", Some(("Submission", "Submitted")));
        check("Submission Submitted", "Submission Submitted", Some(("Submission", "Submitted")));
        check("Submission", "Submission Submitted", Some(("Submission", "Submitted")));
        check("Form", "Submission Submitted", None);
        check("Submission", "Approved", None);
        assert_eq!(
            normalise(Level::Space, "Datastore Submission", "Datastore Submission Saved"),
            Some(("Datastore Submission", "Saved"))
        );
    }
}
