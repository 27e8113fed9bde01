//! `kapok_user_…`, `kapok_team_…`, `kapok_membership_…`, `kapok_attributes_set_v1`: change people
//! and attributes, as the platform's use cases do.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Parameter, Work};
use super::{optional, required};
use serde_json::{Map, Value, json};

/// A change of a record that is no submission.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordChange {
    /// Creates a user of these properties, as the API reads them.
    UserCreate(Value),
    /// Changes a user.
    UserUpdate {
        /// Who.
        username: String,
        /// What changes, as the API reads it.
        properties: Value,
    },
    /// Creates a team of these properties, as the API reads them.
    TeamCreate(Value),
    /// Changes a team.
    TeamUpdate {
        /// Its name, or its slug.
        team: String,
        /// What changes, as the API reads it.
        properties: Value,
    },
    /// Puts a user into a team, or takes one out.
    Membership {
        /// The team's name, or its slug.
        team: String,
        /// The user.
        username: String,
        /// Whether the user is to be in the team.
        is_member: bool,
    },
    /// Sets attributes one by one; others stay.
    Attributes {
        /// Whose.
        target: Target,
        /// Lists of values by name; an empty list removes the attribute.
        values: Map<String, Value>,
    },
}

/// Whose attributes are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The space's.
    Space,
    /// A kapp's, by slug.
    Kapp(String),
    /// A form's, by the kapp's slug and its own; without a kapp a datastore form's.
    Form(Option<String>, String),
    /// A user's, by username.
    User(String),
    /// A user's profile attributes, by username.
    UserProfile(String),
    /// A team's, by name or slug.
    Team(String),
}

const USER: &[Parameter] = &[
    required("username", "The username."),
    optional("displayName", "The name people read."),
    optional("email", "Their address."),
    FLAG_ENABLED,
    FLAG_ADMIN,
    optional("attributes", "A JSON object of attributes; replaces all of them."),
    optional("profileAttributes", "A JSON object of profile attributes; replaces all of them."),
    optional("properties", "A JSON object of any properties that the API takes."),
];

const FLAG_ENABLED: Parameter = Parameter {
    id: "enabled",
    description: "Whether they may sign in.",
    required: false,
    options: &["true", "false"],
};

const FLAG_ADMIN: Parameter = Parameter {
    id: "spaceAdmin",
    description: "Whether they administer the space.",
    required: false,
    options: &["true", "false"],
};

const USER_RESULTS: &[Output] =
    &[Output { name: "Username", description: "The username, as it now is." }];

const TEAM_RESULTS: &[Output] = &[
    Output { name: "Name", description: "The team's name, as it now is." },
    Output { name: "Slug", description: "Its slug, which follows from the name." },
];

const MEMBERSHIP: &[Parameter] =
    &[required("team", "The team's name, or its slug."), required("username", "The user.")];

const fn handler(
    id: &'static str,
    (name, description): (&'static str, &'static str),
    parameters: &'static [Parameter],
    results: &'static [Output],
    act: fn(&Inputs<'_>) -> Result<Action, String>,
) -> Handler {
    // Everything is set to what the node says, so that a repeat changes nothing more.
    let (effect, work) = (Effect::Keyed, Work::Act(act));
    let (open, deferrable) = (false, true);
    Handler { id, name, description, parameters, open, results, effect, deferrable, work }
}

pub(super) const USER_CREATE: Handler = handler(
    "kapok_user_create_v1",
    ("Create User", "Creates a user; a repeat of the same task finds the one it made."),
    USER,
    USER_RESULTS,
    |inputs| {
        let mut properties = user(inputs)?;
        properties.insert("username".into(), inputs.required("username")?.trim().into());
        change(RecordChange::UserCreate(Value::Object(properties)))
    },
);

pub(super) const USER_UPDATE: Handler = handler(
    "kapok_user_update_v1",
    ("Update User", "Changes what is given of a user."),
    USER,
    USER_RESULTS,
    |inputs| {
        let properties = Value::Object(user(inputs)?);
        let username = inputs.required("username")?.trim().to_owned();
        change(RecordChange::UserUpdate { username, properties })
    },
);

pub(super) const TEAM_CREATE: Handler = handler(
    "kapok_team_create_v1",
    ("Create Team", "Creates a team; a repeat of the same task finds the one it made."),
    &[
        required("name", "The name; parts between :: nest it."),
        optional("description", "What it is for."),
        optional("attributes", "A JSON object of attributes."),
        optional("members", "The usernames of its members, separated by commas."),
    ],
    TEAM_RESULTS,
    |inputs| {
        let mut properties = team(inputs)?;
        properties.insert("name".into(), inputs.required("name")?.trim().into());
        change(RecordChange::TeamCreate(Value::Object(properties)))
    },
);

pub(super) const TEAM_UPDATE: Handler = handler(
    "kapok_team_update_v1",
    ("Update Team", "Changes what is given of a team."),
    &[
        required("team", "The team's name, or its slug."),
        optional("name", "A new name; its slug follows."),
        optional("description", "What it is for."),
        optional("attributes", "A JSON object of attributes; replaces all of them."),
        optional("members", "The usernames of all its members, separated by commas."),
    ],
    TEAM_RESULTS,
    |inputs| {
        let mut properties = team(inputs)?;
        put(&mut properties, "name", inputs.text("name"));
        let team = inputs.required("team")?.trim().to_owned();
        change(RecordChange::TeamUpdate { team, properties: Value::Object(properties) })
    },
);

pub(super) const MEMBERSHIP_ADD: Handler = handler(
    "kapok_membership_add_v1",
    ("Add Membership", "Puts a user into a team, unless they are in it."),
    MEMBERSHIP,
    &[],
    |inputs| membership(inputs, true),
);

pub(super) const MEMBERSHIP_REMOVE: Handler = handler(
    "kapok_membership_remove_v1",
    ("Remove Membership", "Takes a user out of a team, if they are in it."),
    MEMBERSHIP,
    &[],
    |inputs| membership(inputs, false),
);

pub(super) const ATTRIBUTES_SET: Handler = handler(
    "kapok_attributes_set_v1",
    ("Set Attributes", "Sets attributes one by one; others stay as they are."),
    &[
        Parameter {
            id: "type",
            description: "Whose attributes.",
            required: true,
            options: &["Space", "Kapp", "Form", "Datastore Form", "User", "User Profile", "Team"],
        },
        optional("kapp", "The kapp's slug, for Kapp and Form."),
        optional("form", "The form's slug, for Form and Datastore Form."),
        optional("username", "The user, for User and User Profile."),
        optional("team", "The team's name or slug, for Team."),
        required(
            "attributes",
            "A JSON object: {\"Owner\": [\"ann\"]}. An empty list removes the attribute.",
        ),
    ],
    &[],
    |inputs| {
        let text = |id: &str| inputs.required(id).map(|text| text.trim().to_owned());
        let target = match inputs.required("type")?.trim().to_ascii_lowercase().as_str() {
            "space" => Target::Space,
            "kapp" => Target::Kapp(text("kapp")?),
            "form" => Target::Form(Some(text("kapp")?), text("form")?),
            "datastore form" => Target::Form(None, text("form")?),
            "user" => Target::User(text("username")?),
            "user profile" => Target::UserProfile(text("username")?),
            "team" => Target::Team(text("team")?),
            other => return Err(format!("There are no attributes of a \"{other}\".")),
        };
        let given = object(inputs, "attributes")?.unwrap_or_default();
        let values = given.into_iter().map(|(name, value)| {
            let list = match value {
                Value::Array(items) => items,
                Value::Null => Vec::new(),
                one => vec![one],
            };
            let texts = list.into_iter().map(|item| match item {
                Value::String(_) => item,
                other => Value::String(other.to_string()),
            });
            (name, Value::Array(texts.collect()))
        });
        change(RecordChange::Attributes { target, values: values.collect() })
    },
);

fn change(change: RecordChange) -> Result<Action, String> {
    Ok(Action::Outside(Outside::Record(change)))
}

fn membership(inputs: &Inputs<'_>, is_member: bool) -> Result<Action, String> {
    change(RecordChange::Membership {
        team: inputs.required("team")?.trim().to_owned(),
        username: inputs.required("username")?.trim().to_owned(),
        is_member,
    })
}

fn user(inputs: &Inputs<'_>) -> Result<Map<String, Value>, String> {
    let mut properties = object(inputs, "properties")?.unwrap_or_default();
    for id in ["displayName", "email"] {
        put(&mut properties, id, inputs.text(id));
    }
    for id in [FLAG_ENABLED.id, FLAG_ADMIN.id] {
        match inputs.text(id).trim().to_ascii_lowercase().as_str() {
            "" => {}
            "true" => drop(properties.insert(id.into(), true.into())),
            "false" => drop(properties.insert(id.into(), false.into())),
            other => return Err(format!("\"{id}\" must be true or false, not \"{other}\".")),
        }
    }
    for (id, property) in
        [("attributes", "attributesMap"), ("profileAttributes", "profileAttributesMap")]
    {
        if let Some(attributes) = object(inputs, id)? {
            properties.insert(property.into(), Value::Object(attributes));
        }
    }
    Ok(properties)
}

fn team(inputs: &Inputs<'_>) -> Result<Map<String, Value>, String> {
    let mut properties = Map::new();
    put(&mut properties, "description", inputs.text("description"));
    if let Some(attributes) = object(inputs, "attributes")? {
        properties.insert("attributesMap".into(), Value::Object(attributes));
    }
    let members = inputs.text("members").trim();
    if !members.is_empty() {
        let names = members.split(',').map(str::trim).filter(|name| !name.is_empty());
        let list = names.map(|name| json!({ "user": { "username": name } }));
        properties.insert("memberships".into(), list.collect());
    }
    Ok(properties)
}

/// Takes a text over unless it is blank.
fn put(properties: &mut Map<String, Value>, property: &str, text: &str) {
    let text = text.trim();
    if !text.is_empty() {
        properties.insert(property.to_owned(), text.into());
    }
}

/// A parameter that holds a JSON object; `None` when blank.
fn object(inputs: &Inputs<'_>, id: &str) -> Result<Option<Map<String, Value>>, String> {
    let text = inputs.text(id).trim();
    if text.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(format!("The parameter \"{id}\" must be a JSON object.")),
        Err(e) => Err(format!("The parameter \"{id}\" is not JSON: {e}")),
    }
}
