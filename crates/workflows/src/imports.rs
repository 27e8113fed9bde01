//! Imports of many exported files at once: sources, policy rules, handlers, trees and routines,
//! categories, in any order. Each file is taken or refused for itself; what it refers to may come
//! later.

use crate::Workflows;
use crate::actor::Actor;
use crate::categories::CategoryInput;
use crate::definition::Format;
use crate::error::{Error, Result};
use crate::externals::{ExternalInput, Url};
use crate::plan::is_routine;
use crate::policies::PolicyRuleInput;
use crate::sources::SourceInput;
use crate::trees::{TreeInput, TreeKey, with_header};
use crate::{handlers, packages};
use model::external_handler::{ExternalHandler, Outcome, Parameter};
use model::tree::Problem;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Files of one import.
pub const FILES_MAX: usize = 2_000;

/// A file to import.
#[derive(Clone, Debug)]
pub struct ImportFile {
    /// Where it was found; only for the report, and for a name when the file has none.
    pub path: String,
    /// Its text.
    pub content: String,
}

/// What became of a file, or of one record of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Where it was found.
    pub path: String,
    /// `Source`, `Policy Rule`, `Handler`, `Tree`, `Routine`, `Category` or `Unknown`.
    pub kind: &'static str,
    /// The record's name or title.
    pub title: String,
    /// What was, or would be, done.
    pub action: Action,
    /// Why it was refused or left out, or what it still needs.
    pub message: Option<String>,
    /// Mistakes of a tree as of the end of this import.
    pub problems: Vec<Problem>,
}

/// What an import does with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Created,
    /// It replaces one of the same name.
    Updated,
    /// It is there already, just so.
    Unchanged,
    /// It cannot be taken.
    Refused,
    /// It is nothing that is imported.
    Skipped,
}

impl Action {
    /// Its word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

/// A record found in a file.
enum Record {
    /// A source, and type and name of the rules that guard it.
    Source(SourceInput, Vec<[String; 2]>),
    Rule(String, PolicyRuleInput),
    /// A handler's id, and what is said about it.
    Handler(String, Box<ExternalInput>),
    Tree(Box<TreeInput>),
    Category(CategoryInput),
    /// What was meant to be a record, and why it is none.
    Refused(String),
    Unknown(String),
}

impl Record {
    /// The order in which records are taken: what others need comes first.
    fn rank(&self) -> usize {
        match self {
            Self::Source(..) => 0,
            Self::Rule(..) => 1,
            Self::Handler(..) => 2,
            Self::Tree(_) => 3,
            Self::Category(_) => 4,
            Self::Refused(_) | Self::Unknown(_) => 5,
        }
    }
}

impl Workflows {
    /// Takes files in, or tells what would become of them.
    ///
    /// # Errors
    /// `Invalid` for too many files; the store's. A file that cannot be taken is part of the
    /// report.
    pub async fn import(
        &self,
        actor: &Actor,
        files: Vec<ImportFile>,
        is_dry: bool,
    ) -> Result<Vec<Imported>> {
        if files.len() > FILES_MAX {
            let message = format!("An import takes at most {FILES_MAX} files; send them in parts.");
            return Err(Error::Invalid(message));
        }
        let mut records: Vec<(String, Record)> = files.into_iter().flat_map(records).collect();
        records.sort_by_key(|(_, record)| record.rank());
        let coming = Coming::of(&records);
        let guards = guards(&records);
        let mut report = Vec::with_capacity(records.len());
        for (path, record) in records {
            let mut imported = Imported {
                path,
                kind: "Unknown",
                title: String::new(),
                action: Action::Skipped,
                message: None,
                problems: Vec::new(),
            };
            let taken = self.take_record(actor, record, &coming, is_dry, &mut imported).await;
            match taken {
                Ok(action) => imported.action = action,
                Err(Error::Store(error)) => return Err(Error::Store(error)),
                Err(error) => {
                    imported.action = Action::Refused;
                    imported.message = Some(error.to_string());
                }
            }
            report.push(imported);
        }
        if !is_dry {
            self.guard(actor, guards, &mut report).await?;
            self.settle_problems(actor, &mut report).await?;
        }
        Ok(report)
    }

    /// Lets rules guard sources once both are there.
    async fn guard(
        &self,
        actor: &Actor,
        guards: Vec<(String, String, [String; 2])>,
        report: &mut Vec<Imported>,
    ) -> Result<()> {
        for (path, source, [kind, name]) in guards {
            match self.guard_source(actor, &source, [&kind, &name], true).await {
                Ok(()) => {}
                Err(Error::Store(error)) => return Err(Error::Store(error)),
                Err(error) => report.push(Imported {
                    path,
                    kind: "Policy Rule",
                    title: name,
                    action: Action::Refused,
                    message: Some(error.to_string()),
                    problems: Vec::new(),
                }),
            }
        }
        Ok(())
    }

    async fn take_record(
        &self,
        actor: &Actor,
        record: Record,
        coming: &Coming,
        is_dry: bool,
        imported: &mut Imported,
    ) -> Result<Action> {
        match record {
            Record::Source(input, _) => {
                imported.kind = "Source";
                imported.title = input.name.clone().unwrap_or_default();
                let name = imported.title.clone();
                match self.source(actor, &name).await {
                    Ok(known) if is_same_source(&known, &input) => Ok(Action::Unchanged),
                    Ok(_) if is_dry => Ok(Action::Updated),
                    Ok(_) => self.update_source(actor, &name, input).await.map(|_| Action::Updated),
                    Err(Error::NotFound(_)) if is_dry => Ok(Action::Created),
                    Err(Error::NotFound(_)) => {
                        self.create_source(actor, input).await.map(|_| Action::Created)
                    }
                    Err(error) => Err(error),
                }
            }
            Record::Rule(kind, input) => {
                imported.kind = "Policy Rule";
                imported.title = input.name.clone().unwrap_or_default();
                let name = imported.title.clone();
                match self.policy_rule(actor, &kind, &name).await {
                    Ok(known)
                        if input.rule.as_ref().is_none_or(|rule| *rule == known.rule)
                            && input.message.as_ref().is_none_or(|m| *m == known.message) =>
                    {
                        Ok(Action::Unchanged)
                    }
                    Ok(_) if is_dry => Ok(Action::Updated),
                    Ok(_) => self
                        .update_policy_rule(actor, &kind, &name, input)
                        .await
                        .map(|_| Action::Updated),
                    Err(Error::NotFound(_)) if is_dry => Ok(Action::Created),
                    Err(Error::NotFound(_)) => {
                        self.create_policy_rule(actor, &kind, input).await.map(|_| Action::Created)
                    }
                    Err(error) => Err(error),
                }
            }
            Record::Handler(id, input) => {
                imported.kind = "Handler";
                imported.title.clone_from(&id);
                let (action, message) = self.take_handler(actor, &id, *input, is_dry).await?;
                imported.message = message;
                Ok(action)
            }
            Record::Tree(input) => self.take_tree(actor, *input, coming, is_dry, imported).await,
            Record::Category(input) => {
                imported.kind = "Category";
                imported.title = input.name.clone().unwrap_or_default();
                let name = imported.title.clone();
                match self.category(actor, &name).await {
                    Ok(known) if is_same_category(&known, &input) => Ok(Action::Unchanged),
                    Ok(_) if is_dry => Ok(Action::Updated),
                    Ok(_) => {
                        self.update_category(actor, &name, input).await.map(|_| Action::Updated)
                    }
                    Err(Error::NotFound(_)) if is_dry => Ok(Action::Created),
                    Err(Error::NotFound(_)) => {
                        self.create_category(actor, input).await.map(|_| Action::Created)
                    }
                    Err(error) => Err(error),
                }
            }
            Record::Refused(why) => Err(Error::Invalid(why)),
            Record::Unknown(why) => {
                imported.message = Some(why);
                Ok(Action::Skipped)
            }
        }
    }

    /// Defines a handler, or changes the one of this id; what is said about it in the report.
    async fn take_handler(
        &self,
        actor: &Actor,
        id: &str,
        input: ExternalInput,
        is_dry: bool,
    ) -> Result<(Action, Option<String>)> {
        if handlers::find(id).is_some() {
            let message = "It comes with the server, under the same id.";
            return Ok((Action::Skipped, Some(message.into())));
        }
        let known = match self.external_handler(actor, id).await {
            Ok(known) => Some(known),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let (handler, action) = match known {
            None if is_dry => (self.draft(actor, id, input, Url::Later)?.0, Action::Created),
            None => {
                let made = self.define_external(actor, id, input, Url::Later).await?;
                (made.handler, Action::Created)
            }
            Some(known) => {
                let wanted = self.changed(&known, input.clone())?;
                if wanted == known {
                    (known, Action::Unchanged)
                } else if is_dry {
                    (wanted, Action::Updated)
                } else {
                    let changed = self.update_external_handler(actor, id, input).await?;
                    (changed, Action::Updated)
                }
            }
        };
        Ok((action, still_needed(&handler, action)))
    }

    async fn take_tree(
        &self,
        actor: &Actor,
        input: TreeInput,
        coming: &Coming,
        is_dry: bool,
        imported: &mut Imported,
    ) -> Result<Action> {
        let mut input = with_header(input)?;
        let kind = input.kind.clone().unwrap_or_else(|| "Tree".into());
        let is_tree = kind.eq_ignore_ascii_case("Tree");
        imported.kind = if is_tree { "Tree" } else { "Routine" };
        if input.name.is_none() {
            input.name = Some(stem(&imported.path).to_owned());
        }
        if !is_tree {
            input.source = input.source.or(Some("-".into()));
            input.group = input.group.or(Some("-".into()));
        }
        let part = |part: &Option<String>| part.as_deref().unwrap_or_default().trim().to_owned();
        let names = [part(&input.source), part(&input.group), part(&input.name)];
        let title = names.join(" :: ");
        imported.title = if is_tree { title.clone() } else { part(&input.name) };
        let known = match self.tree(actor, &TreeKey::Title(title)).await {
            Ok(known) => Some(known),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let same = known.as_ref().is_some_and(|known| {
            let sent = input.definition.as_ref();
            sent.is_some_and(|(format, text)| {
                Format::parse(&known.version.format) == *format
                    && known.version.definition == *text
                    && input.status.as_ref().is_none_or(|s| *s == known.tree.status)
            })
        });
        if let (true, Some(known)) = (same, &known) {
            imported.problems.clone_from(&known.tree.problems);
            return Ok(Action::Unchanged);
        }
        let action = if known.is_some() { Action::Updated } else { Action::Created };
        if is_dry {
            if is_tree && input.source.is_none() {
                return Err(Error::Invalid("The source name must be given.".into()));
            }
            if is_tree
                && !coming.sources.contains(&names[0])
                && !crate::sources::is_well_known(&names[0])
            {
                self.source(actor, &names[0]).await?;
            }
            let (format, text) = input.definition.unwrap_or((Format::Json, "{}".into()));
            let problems = self.check(actor, format, &text, &names[0]).await?;
            let arrives = |p: &Problem| {
                coming
                    .callable
                    .iter()
                    .any(|(kind, id)| p.message.starts_with(&format!("The {kind} {id} ")))
            };
            imported.problems = problems.into_iter().filter(|p| !arrives(p)).collect();
            return Ok(action);
        }
        self.create_tree(actor, input, true).await?;
        Ok(action)
    }

    /// Reads again what is wrong with the trees: what one lacked may have come after it.
    async fn settle_problems(&self, actor: &Actor, report: &mut [Imported]) -> Result<()> {
        for imported in report.iter_mut().filter(|i| ["Tree", "Routine"].contains(&i.kind)) {
            if imported.action == Action::Refused {
                continue;
            }
            let tree = self.tree(actor, &TreeKey::Title(imported.title.clone())).await;
            imported.problems = tree.map(|detail| detail.tree.problems).unwrap_or_default();
        }
        Ok(())
    }
}

/// What the import itself brings that its trees refer to.
struct Coming {
    sources: HashSet<String>,
    /// What nodes may name: `routine` or `handler`, and its id.
    callable: HashSet<(&'static str, String)>,
}

impl Coming {
    fn of(records: &[(String, Record)]) -> Self {
        let mut coming = Self { sources: HashSet::new(), callable: HashSet::new() };
        for (_, record) in records {
            match record {
                Record::Source(input, _) => coming.sources.extend(input.name.clone()),
                Record::Handler(id, _) => {
                    coming.callable.insert(("handler", id.clone()));
                }
                Record::Tree(input) => {
                    let read = with_header((**input).clone()).ok();
                    coming.callable.extend(read.and_then(|input| {
                        let is_tree = input.kind.as_deref().unwrap_or("Tree") == "Tree";
                        let made = || crate::trees::routine_id(input.name.as_deref()?).into();
                        let id = if is_tree { None } else { input.definition_id.or_else(made) };
                        Some(("routine", id?))
                    }));
                }
                _ => {}
            }
        }
        coming
    }
}

/// Which rules guard which sources: file, source, type and name.
fn guards(records: &[(String, Record)]) -> Vec<(String, String, [String; 2])> {
    let mut guards = Vec::new();
    for (path, record) in records {
        if let Record::Source(SourceInput { name: Some(source), .. }, rules) = record {
            guards.extend(rules.iter().map(|rule| (path.clone(), source.clone(), rule.clone())));
        }
    }
    guards
}

/// What somebody has to do before an imported handler works.
fn still_needed(handler: &ExternalHandler, action: Action) -> Option<String> {
    if handler.needs_url() {
        return Some(
            "It needs a URL: its work is done elsewhere so far. Give it one under Handlers; until \
             then a run that reaches it stops there with an error."
                .into(),
        );
    }
    let is_new = action == Action::Created;
    is_new.then(|| {
        "A new secret signs its calls, since secrets are in no export. Have one drawn under \
         Handlers and give it to whatever answers at its URL."
            .into()
    })
}

fn is_same_source(known: &model::tree::Source, input: &SourceInput) -> bool {
    input.kind.as_ref().is_none_or(|kind| *kind == known.kind)
        && input.status.as_ref().is_none_or(|status| *status == known.status)
        && input.properties.as_ref().is_none_or(|p| *p == known.properties)
}

fn is_same_category(known: &crate::categories::Sorted, input: &CategoryInput) -> bool {
    use model::category::MemberKind::{Handler, PolicyRule, Routine};
    let members = |wanted: &Option<Vec<String>>, kind| {
        let mut wanted: Vec<&str> = match wanted {
            Some(wanted) => wanted.iter().map(String::as_str).collect(),
            None => return true,
        };
        wanted.sort_unstable();
        wanted == known.of(kind)
    };
    input.description.as_ref().is_none_or(|text| *text == known.category.description)
        && members(&input.handlers, Handler)
        && members(&input.routines, Routine)
        && members(&input.policy_rules, PolicyRule)
}

/// A file's name without folders and extension.
fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The records of a file.
fn records(file: ImportFile) -> Vec<(String, Record)> {
    let ImportFile { path, content } = file;
    // Editors of one system put a mark before the text that is none of it.
    let content = content.strip_prefix('\u{feff}').map_or(content.clone(), str::to_owned);
    let text = content.trim_start();
    let found = if text.starts_with('<') {
        vec![read_xml(content)]
    } else if text.starts_with(['{', '[']) {
        match serde_json::from_str(&content) {
            Ok(Value::Array(items)) => items.into_iter().map(|i| read_json(&path, i)).collect(),
            Ok(value) => read_document(&path, value),
            Err(error) => vec![Record::Unknown(format!("It is not JSON: {error}"))],
        }
    } else {
        vec![Record::Unknown("It is neither XML nor JSON.".into())]
    };
    found.into_iter().map(|record| (path.clone(), record)).collect()
}

fn read_xml(content: String) -> Record {
    if packages::is_declaration(&content) {
        return match packages::read(&content) {
            Ok((id, input)) => Record::Handler(id, Box::new(input)),
            Err(error) => Record::Refused(error.to_string()),
        };
    }
    if !content.contains("<taskTree") && !content.contains("<tree") {
        return Record::Unknown("It is XML, but no exported tree.".into());
    }
    let definition = Some((Format::Xml, content));
    Record::Tree(Box::new(TreeInput { definition, ..TreeInput::default() }))
}

/// A document of lists by kind, or of one record.
fn read_document(path: &str, value: Value) -> Vec<Record> {
    const LISTS: [&str; 7] =
        ["sources", "sourceRoots", "policyRules", "handlers", "trees", "routines", "categories"];
    let lists = LISTS.iter().filter_map(|name| value.get(name)?.as_array());
    let found: Vec<Value> = lists.flatten().cloned().collect();
    let is_record = ["name", "nodes", "treeJson", "treeXml"].iter().any(|k| value.get(k).is_some());
    if found.is_empty() || is_record {
        return vec![read_json(path, value)];
    }
    found.into_iter().map(|item| read_json(path, item)).collect()
}

/// One record; its properties tell what it is.
fn read_json(path: &str, value: Value) -> Record {
    let Value::Object(object) = value else {
        return Record::Unknown("It holds something that is no record.".into());
    };
    let has = |key: &str| object.contains_key(key);
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    if has("nodes") || has("treeJson") || has("treeXml") || has("export") {
        return read_tree(&object);
    }
    if has("rule") {
        let kind = text("type").unwrap_or_else(|| "API Access".into());
        let (name, rule, message) = (text("name"), text("rule"), text("message"));
        return Record::Rule(kind, PolicyRuleInput { name, rule, message });
    }
    if let Some(id) = text("definitionId") {
        return read_handler(id, &object);
    }
    let path = path.to_lowercase();
    if path.contains("categor") || has("handlers") || has("routines") || has("trees") {
        let ids = |key: &str| -> Option<Vec<String>> {
            let items = object.get(key)?.as_array()?;
            let id = |item: &Value| {
                let named = ["definitionId", "name"].iter().find_map(|k| item.get(k));
                named.unwrap_or(item).as_str().map(str::to_owned)
            };
            Some(items.iter().filter_map(id).collect())
        };
        return Record::Category(CategoryInput {
            name: text("name"),
            description: text("description"),
            handlers: ids("handlers"),
            routines: ids("routines").or_else(|| ids("trees")),
            policy_rules: ids("policyRules"),
        });
    }
    if path.contains("source") || has("properties") {
        let input = SourceInput {
            name: text("name"),
            kind: text("type"),
            status: text("status"),
            properties: object.get("properties").cloned(),
        };
        let rules = object.get("policyRules").and_then(Value::as_array);
        let rule = |rule: &Value| {
            let part = |key: &str| rule[key].as_str().map(str::to_owned);
            Some([part("type")?, part("name")?])
        };
        return Record::Source(input, rules.into_iter().flatten().filter_map(rule).collect());
    }
    Record::Unknown("It is JSON, but no tree, handler, source, category or policy rule.".into())
}

/// A handler as the API tells of it, or that of another engine.
fn read_handler(id: String, object: &Map<String, Value>) -> Record {
    if is_routine(&id) {
        return Record::Unknown(format!("The routine {id} has no treeJson and no treeXml here."));
    }
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let items = |key: &str| object.get(key).and_then(Value::as_array).cloned();
    let parameters = items("parameters").map(|all| all.iter().map(read_parameter).collect());
    let outcome = |item: &Value| Outcome {
        name: text_of(item, &["name", "id"]),
        description: text_of(item, &["description", "tooltip"]),
    };
    let input = ExternalInput {
        name: text("name"),
        description: text("description"),
        is_active: text("status").map(|status| status.eq_ignore_ascii_case("active")),
        parameters,
        results: items("results").map(|all| all.iter().map(outcome).collect()),
        // One without keeps the URL that it has here.
        url: text("url").filter(|url| !url.trim().is_empty()),
        effect: text("effect"),
        timeout_seconds: object.get("timeoutSeconds").and_then(Value::as_i64),
        secret: None,
    };
    Record::Handler(id, Box::new(input))
}

fn read_parameter(item: &Value) -> Parameter {
    let options = match item.get("options").or_else(|| item.get("menu")) {
        Some(Value::Array(options)) => {
            options.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(Value::String(menu)) => {
            menu.split(',').map(|o| o.trim().to_owned()).filter(|o| !o.is_empty()).collect()
        }
        _ => Vec::new(),
    };
    Parameter {
        id: text_of(item, &["id", "name"]),
        description: text_of(item, &["description", "tooltip"]),
        required: item.get("required").and_then(Value::as_bool).unwrap_or_default(),
        options,
        default_value: text_of(item, &["defaultValue"]),
    }
}

/// The first of these properties that is a text.
fn text_of(item: &Value, keys: &[&str]) -> String {
    keys.iter().find_map(|key| item.get(key)?.as_str()).unwrap_or_default().to_owned()
}

fn read_tree(object: &Map<String, Value>) -> Record {
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let definition = match (object.get("treeJson"), text("treeXml").or_else(|| text("export"))) {
        (Some(Value::String(json)), _) => (Format::Json, json.clone()),
        (Some(json), _) => (Format::Json, json.to_string()),
        (None, Some(xml)) => (Format::Xml, xml),
        (None, None) => (Format::Json, Value::Object(object.clone()).to_string()),
    };
    Record::Tree(Box::new(TreeInput {
        source: text("sourceName"),
        group: text("sourceGroup"),
        name: text("name"),
        kind: text("type"),
        status: text("status"),
        definition_id: text("definitionId"),
        owner_email: text("ownerEmail"),
        notes: text("notes"),
        definition: Some(definition),
        version: None,
    }))
}
