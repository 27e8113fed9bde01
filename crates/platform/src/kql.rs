//! The query language of lists: `values[Status] = "Open" AND (createdBy = "ann" OR type IN ("A"))`.
//!
//! ```text
//! query      = and { OR and }            and = part { AND part }
//! part       = "(" query ")" | comparison
//! comparison = property operator text | property IN "(" text { "," text } ")"
//!            | property BETWEEN "(" text "," text ")"
//! property   = name | name "[" any text "]"
//! operator   = "=" | "!=" | "=*" (starts with) | "*=*" (contains) | ">" | ">=" | "<" | "<="
//! text       = "\"" … "\"" with \" and \\ | null | a bare word or number
//! ```
//!
//! Names of operators are read in any case. `BETWEEN` includes its first value and excludes its
//! second. Text is compared as it is, character by character; instants as instants. A property
//! that holds a list matches when one of its values does; `!=` when none is equal.

mod parse;

pub use parse::parse;

use crate::Error;
use crate::input::nearest;
use model::time::Micros;
use serde_json::Value;
use std::borrow::Cow;

/// A query that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// All of them hold.
    And(Vec<Query>),
    /// One of them holds.
    Or(Vec<Query>),
    /// A property compares to a text.
    Compare(Property, Operator, Text),
    /// A property is one of several texts.
    In(Property, Vec<Text>),
    /// A property is at least the first text and less than the second.
    Between(Property, Text, Text),
}

/// What stands on the left of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The property, or the list that holds it, such as `values`.
    pub name: String,
    /// The name in brackets.
    pub element: Option<String>,
}

/// A text, or null.
pub type Text = Option<String>;

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=*`
    StartsWith,
    /// `*=*`
    Contains,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

/// The value of a record's property.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand<'a> {
    /// No value.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// An instant.
    Instant(Micros),
    /// Several texts.
    Texts(Vec<&'a str>),
}

impl<'a> Operand<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(crate) fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    pub(crate) fn bool(value: bool) -> Self {
        Self::text(if value { "true" } else { "false" })
    }

    pub(crate) fn instant(at: Micros) -> Self {
        Self::Instant(at)
    }

    pub(crate) fn json(value: Option<&'a Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Null,
            Some(Value::String(text)) => Self::text(text),
            Some(Value::Array(items)) => {
                Self::Texts(items.iter().filter_map(Value::as_str).collect())
            }
            Some(other) => Self::Text(Cow::Owned(other.to_string())),
        }
    }

    /// A key that sorts as the operand does; null sorts first.
    pub(crate) fn sort_key(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone().into_owned()),
            Self::Instant(at) => Some(at.iso()),
            Self::Texts(texts) => texts.first().map(|text| (*text).to_owned()),
        }
    }

    fn any(&self, holds: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Null => false,
            Self::Text(text) => holds(text),
            Self::Instant(at) => holds(&at.iso()),
            Self::Texts(texts) => texts.iter().any(|text| holds(text)),
        }
    }

    fn compares(&self, operator: Operator, text: Option<&str>) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let is_null = match self {
            Self::Null => true,
            Self::Texts(texts) => texts.is_empty(),
            _ => false,
        };
        let Some(text) = text else {
            return match operator {
                Operator::Equal => is_null,
                Operator::NotEqual => !is_null,
                _ => false,
            };
        };
        let ordered = |wanted: &[std::cmp::Ordering]| {
            if let Self::Instant(at) = self
                && let Some(other) = Micros::parse_iso(text)
            {
                return wanted.contains(&at.cmp(&other));
            }
            self.any(|value| wanted.contains(&value.cmp(text)))
        };
        match operator {
            Operator::Equal => ordered(&[Equal]),
            Operator::NotEqual => !ordered(&[Equal]),
            Operator::StartsWith => self.any(|value| value.starts_with(text)),
            Operator::Contains => self.any(|value| value.contains(text)),
            Operator::Greater => ordered(&[Greater]),
            Operator::GreaterOrEqual => ordered(&[Greater, Equal]),
            Operator::Less => ordered(&[Less]),
            Operator::LessOrEqual => ordered(&[Less, Equal]),
        }
    }
}

/// A record that can be queried.
pub trait Queryable {
    /// The properties, those with elements as `values[…]`.
    const PROPERTIES: &'static [&'static str];
    /// The property that tells records apart and orders lists by default.
    const KEY: &'static str;

    /// A property's value; `None` for a property that does not exist.
    fn property(&self, name: &str) -> Option<Operand<'_>>;

    /// The value of an element of a property, such as `values[Status]`.
    fn element(&self, list: &str, name: &str) -> Option<Operand<'_>>;

    /// The value of [`Queryable::KEY`].
    fn key(&self) -> &str;
}

/// Reads a query about records of a kind; a blank one is none.
///
/// # Errors
/// `Refused`, with the place, when it cannot be read or names a property that does not exist.
pub fn read<T: Queryable>(text: Option<&str>) -> Result<Option<Query>, Error> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let query = parse(text)?;
    query.check::<T>()?;
    Ok(Some(query))
}

/// Checks that records of a kind have a property.
///
/// # Errors
/// `Refused`, with the nearest name.
pub fn known<T: Queryable>(property: &Property) -> Result<(), Error> {
    let spelt = match &property.element {
        Some(_) => format!("{}[…]", property.name),
        None => property.name.clone(),
    };
    if T::PROPERTIES.contains(&spelt.as_str()) {
        return Ok(());
    }
    let hint = match nearest(&spelt, T::PROPERTIES) {
        Some(near) => format!(" Did you mean {near}?"),
        None => format!(" It may be one of {}.", T::PROPERTIES.join(", ")),
    };
    Err(Error::refused(format!("The query names an unknown property: {spelt}.{hint}")))
}

impl Query {
    fn check<T: Queryable>(&self) -> Result<(), Error> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().try_for_each(Self::check::<T>),
            Self::Compare(property, ..) | Self::In(property, _) | Self::Between(property, ..) => {
                known::<T>(property)
            }
        }
    }

    /// Whether a record matches.
    pub fn matches<T: Queryable>(&self, record: &T) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(record)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Self::Compare(property, operator, text) => {
                operand(record, property).compares(*operator, text.as_deref())
            }
            Self::In(property, texts) => {
                let operand = operand(record, property);
                texts.iter().any(|text| operand.compares(Operator::Equal, text.as_deref()))
            }
            Self::Between(property, from, to) => {
                let operand = operand(record, property);
                operand.compares(Operator::GreaterOrEqual, from.as_deref())
                    && operand.compares(Operator::Less, to.as_deref())
            }
        }
    }

    /// The comparisons that must all hold whatever else the query says.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::And(parts) => parts.iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }
}

pub(crate) fn operand<'r, T: Queryable>(record: &'r T, property: &Property) -> Operand<'r> {
    let found = match &property.element {
        Some(name) => record.element(&property.name, name),
        None => record.property(&property.name),
    };
    found.unwrap_or(Operand::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Ticket(Value);

    impl Queryable for Ticket {
        const PROPERTIES: &'static [&'static str] = &["state", "createdAt", "values[…]"];
        const KEY: &'static str = "state";

        fn property(&self, name: &str) -> Option<Operand<'_>> {
            match name {
                "state" => Some(Operand::json(self.0.get("state"))),
                "createdAt" => {
                    let at = self.0.get("createdAt")?.as_str()?;
                    Micros::parse_iso(at).map(Operand::Instant)
                }
                _ => None,
            }
        }

        fn element(&self, list: &str, name: &str) -> Option<Operand<'_>> {
            let values = self.0.get("values")?;
            (list == "values").then(|| Operand::json(values.get(name)))
        }

        fn key(&self) -> &str {
            "key"
        }
    }

    #[test]
    fn records_match_as_documented() {
        let ticket = Ticket(json!({
            "state": "Open", "createdAt": "2026-04-08T02:35:35.925Z",
            "values": {"Colours": ["red", "blue"], "Year": "2019", "Empty": null, "No": []},
        }));
        let check = |text: &str, expect: bool| {
            let query = read::<Ticket>(Some(text)).unwrap().unwrap();
            assert_eq!(query.matches(&ticket), expect, "{text}");
        };
        check(r#"state = "Open""#, true);
        check(r#"state != "Open""#, false);
        check(r#"state =* "Op" and state *=* "pe""#, true);
        check(r#"state IN ("Closed", "Open")"#, true);
        check(r#"state = "Closed" OR values[Year] >= "2019""#, true);
        check(r#"(state = "Open" OR state = "Shut") AND values[Year] > "2019""#, false);
        check(r#"values[Year] BETWEEN ("2019", "2020")"#, true);
        check(r#"values[Year] BETWEEN ("2018", "2019")"#, false);
        check(r#"values[Colours] = "blue""#, true);
        check(r#"values[Colours] != "blue""#, false);
        check("values[Missing] = null", true);
        check("values[Empty] = null AND values[No] = null", true);
        check("values[Year] != null", true);
        check(r#"createdAt > "2026-04-08T04:35:35.000+02:00""#, true);
        check(r#"createdAt < "2026-04-08T02:35:35Z""#, false);
        check(r#"createdAt =* "2026-04""#, true);
        check(r#"values[Missing] < "a""#, false);
    }

    #[test]
    fn unknown_properties_are_named() {
        let check = |text: &str, expect: &str| {
            assert_eq!(read::<Ticket>(Some(text)).unwrap_err().to_string(), expect);
        };
        check(r#"State = "x""#, "The query names an unknown property: State. Did you mean state?");
        check(
            r#"form = "x""#,
            "The query names an unknown property: form. \
             It may be one of state, createdAt, values[…].",
        );
        check(
            r#"state = "x" AND attributes[A] = "x""#,
            "The query names an unknown property: attributes[…]. \
             It may be one of state, createdAt, values[…].",
        );
    }
}
