//! The demo company's files, read and brought in through the use cases.

use anyhow::{Context, Result, ensure};
use platform::forms::FormInput;
use platform::kapps::KappInput;
use platform::list::ListQuery;
use platform::memberships::MembershipInput;
use platform::spaces::SpaceInput;
use platform::submissions::{SaveOptions, SubmissionInput, SubmissionQuery};
use platform::teams::TeamInput;
use platform::users::UserInput;
use platform::{Actor, Scope};
use rust_embed::RustEmbed;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use webhooks::definitions::WebhookInput;
use workflows::definition::Format;
use workflows::externals::ExternalInput;
use workflows::schedules::ScheduleInput;
use workflows::trees::TreeInput;
use workflows::web_apis::WebApiInput;

/// What stands for the receiver's address in the files.
const RECEIVER: &str = "@receiver@";
/// How the receiver's address begins, wherever it listens.
const LOOPBACK: &str = "http://127.0.0.1:";
/// The space's attribute by which trees find the receiver.
const SUPPLIERS_ATTRIBUTE: &str = "Suppliers URL";

#[derive(RustEmbed)]
#[folder = "demo/"]
struct Files;

/// The company, as its files say.
pub(super) struct Company {
    document: Value,
}

/// Makes the actor of one change; every change is a trace of its own.
type MakeActor<'a> = &'a (dyn Fn() -> Actor + Sync);

impl Company {
    /// Reads the files; webhooks to the outside go to `receiver`.
    pub(super) fn read(receiver: SocketAddr) -> Result<Self> {
        let text = text("company.json")?.replace(RECEIVER, &format!("http://{receiver}"));
        let document = serde_json::from_str(&text).context("company.json is not JSON")?;
        Ok(Self { document })
    }

    fn list(&self, name: &str) -> &[Value] {
        items(&self.document, name)
    }

    /// The decisions to take.
    pub(super) fn decisions(&self) -> &[Value] {
        self.list("decisions")
    }

    /// Brings in what stands still: kapps, forms, webhooks, trees and what starts them.
    pub(super) async fn build(&self, app: &api::App, actor: MakeActor<'_>) -> Result<()> {
        let platform = &app.platform;
        if let Some(space) = self.document.get("space") {
            platform.update_space(&actor(), SpaceInput::from_json(space)?).await?;
        }
        for kapp in self.list("kapps") {
            let slug = string(kapp, "slug");
            let input = KappInput::from_json(&without(kapp, &["forms", "webhooks"]))?;
            platform.create_kapp(&actor(), input).await.with_context(|| slug.to_owned())?;
            for name in items(kapp, "forms").iter().filter_map(Value::as_str) {
                form(app, &actor(), Scope::Kapp(slug), name).await?;
            }
            for webhook in items(kapp, "webhooks") {
                create_webhook(app, &actor(), Some(slug), webhook).await?;
            }
        }
        for name in self.list("datastoreForms").iter().filter_map(Value::as_str) {
            form(app, &actor(), Scope::Datastore, name).await?;
        }
        for webhook in self.list("webhooks") {
            create_webhook(app, &actor(), None, webhook).await?;
        }
        for connection in self.list("connections") {
            create_connection(app, &actor(), connection).await?;
        }
        for handler in self.list("handlers") {
            create_handler(app, &actor(), handler).await?;
        }
        // Routines come first, for the trees that call them.
        for folder in ["routines/", "trees/"] {
            for file in Files::iter().filter(|file| file.starts_with(folder)) {
                let tree = document(&file)?;
                create_tree(app, &actor(), &tree).await.with_context(|| file.to_string())?;
            }
        }
        for schedule in self.list("schedules") {
            create_schedule(app, &actor(), schedule).await?;
        }
        for web_api in self.list("webApis") {
            create_web_api(app, &actor(), web_api).await?;
        }
        Ok(())
    }

    /// Lets people come and ask for things, which fires the webhooks.
    pub(super) async fn work(&self, app: &api::App, actor: MakeActor<'_>) -> Result<()> {
        let platform = &app.platform;
        for team in self.list("teams") {
            platform.create_team(&actor(), TeamInput::from_json(team)?).await?;
        }
        for user in self.list("users") {
            let username = string(user, "username");
            let input = UserInput::from_json(&without(user, &["teams"]))?;
            platform.create_user(&actor(), input).await.with_context(|| username.to_owned())?;
            for team in items(user, "teams") {
                let membership =
                    json!({ "team": { "name": team }, "user": { "username": username } });
                let input = MembershipInput::from_json(&membership)?;
                platform.add_membership(&actor(), input).await?;
            }
        }
        for submission in self.list("datastoreSubmissions") {
            submit(app, &actor(), Scope::Datastore, submission).await?;
        }
        for submission in self.list("submissions") {
            let kapp = string(submission, "kapp");
            submit(app, &actor(), Scope::Kapp(kapp), submission).await?;
        }
        Ok(())
    }

    /// Points what calls the receiver at where it listens now.
    pub(super) async fn reconnect(&self, app: &api::App, actor: &Actor) -> Result<()> {
        let raw: Value = serde_json::from_str(&text("company.json")?)?;
        self.find_suppliers(app, actor).await?;
        self.redirect_handlers(app, actor).await?;
        let actor = webhook_actor(actor);
        self.redirect_connections(app, &actor).await?;
        for (kapp, before) in self.list("kapps").iter().zip(items(&raw, "kapps")) {
            let slug = Some(string(kapp, "slug"));
            for (webhook, before) in items(kapp, "webhooks").iter().zip(items(before, "webhooks")) {
                if !string(before, "url").starts_with(RECEIVER) {
                    continue;
                }
                let name = string(webhook, "name");
                // Somebody may have deleted or redirected it; then it is theirs.
                let Ok(known) = app.webhooks.webhook(&actor, slug, name).await else { continue };
                if known.url.starts_with(LOOPBACK) {
                    let url = Some(string(webhook, "url").to_owned());
                    let input = WebhookInput { url, ..WebhookInput::default() };
                    app.webhooks.update_webhook(&actor, slug, name, &input).await?;
                }
            }
        }
        Ok(())
    }

    /// Tells trees where the receiver listens now; a restart on the same port changes nothing.
    async fn find_suppliers(&self, app: &api::App, actor: &Actor) -> Result<()> {
        let attributes = self.document.pointer("/space/attributes").and_then(Value::as_array);
        let mut attributes = attributes.into_iter().flatten();
        let ours = attributes.find(|attribute| string(attribute, "name") == SUPPLIERS_ATTRIBUTE);
        let urls = ours.and_then(|attribute| attribute.get("values"));
        let urls = urls.context("company.json names no suppliers")?;
        let space = app.platform.space(actor).await?;
        // Somebody may have deleted or redirected it; then it is theirs.
        let known = space.attributes.get(SUPPLIERS_ATTRIBUTE).filter(|known| *known != urls);
        let known = known.and_then(|known| known.get(0)).and_then(Value::as_str);
        if known.is_some_and(|known| known.starts_with(LOOPBACK)) {
            let mut input = SpaceInput::default();
            input.attribute_changes.insert(SUPPLIERS_ATTRIBUTE.to_owned(), urls.clone());
            app.platform.update_space(actor, input).await?;
        }
        Ok(())
    }

    /// Points connections at the receiver, unless somebody has pointed them elsewhere.
    async fn redirect_connections(&self, app: &api::App, actor: &webhooks::Actor) -> Result<()> {
        for known in app.webhooks.connections(actor).await? {
            let ours = self.list("connections").iter().find(|c| string(c, "name") == known.name);
            let Some(config) = ours.and_then(|ours| ours.get("config")) else { continue };
            let now = string(&known.config, "baseUrl");
            if now.starts_with(LOOPBACK) && now != string(config, "baseUrl") {
                let mut change = Map::new();
                change.insert("config".into(), config.clone());
                app.webhooks.update_connection(actor, &known.id, &change).await?;
            }
        }
        Ok(())
    }

    /// Points handlers at the receiver, unless somebody has pointed them elsewhere.
    async fn redirect_handlers(&self, app: &api::App, actor: &Actor) -> Result<()> {
        let actor = workflow_actor(actor);
        for handler in self.list("handlers") {
            let id = string(handler, "definitionId");
            let Ok(known) = app.workflows.external_handler(&actor, id).await else { continue };
            let url = optional(handler, "url");
            if known.url.starts_with(LOOPBACK) && Some(&known.url) != url.as_ref() {
                let input = ExternalInput { url, ..ExternalInput::default() };
                app.workflows.update_external_handler(&actor, id, input).await?;
            }
        }
        Ok(())
    }

    /// Takes one decision; false while nobody has asked for it yet.
    pub(super) async fn decide(
        &self,
        app: &api::App,
        actor: &Actor,
        decision: &Value,
    ) -> Result<bool> {
        let query = SubmissionQuery {
            scope: Scope::Kapp("services"),
            form: Some("approval"),
            list: ListQuery::default(),
            core_state: Some(model::submission::CoreState::Draft),
            created_by: None,
            submitted_by: None,
            kind: None,
        };
        let open = app.platform.submissions(actor, &query).await?;
        let who = string(decision, "requestedFor");
        let asked = open.items.iter().find(|record| {
            let request = record.submission.values.get("Request").and_then(Value::as_str);
            request.is_some_and(|request| request.contains(who))
        });
        let Some(asked) = asked else { return Ok(false) };
        let change = json!({ "coreState": "Submitted", "values": {
            "Decision": string(decision, "decision"), "Comment": string(decision, "comment"),
        } });
        let input = SubmissionInput::from_json(&change)?;
        app.platform.update_submission(actor, asked.submission.id.as_str(), input).await?;
        Ok(true)
    }
}

async fn form(app: &api::App, actor: &Actor, scope: Scope<'_>, name: &str) -> Result<()> {
    let input = FormInput::from_json(&document(&format!("forms/{name}.json"))?)?;
    app.platform.create_form(actor, scope, input).await.with_context(|| name.to_owned())?;
    Ok(())
}

async fn submit(app: &api::App, actor: &Actor, scope: Scope<'_>, item: &Value) -> Result<()> {
    let name = string(item, "form");
    let values = json!({ "values": item.get("values"), "coreState": "Submitted" });
    let input = SubmissionInput::from_json(&values)?;
    let saved =
        app.platform.create_submission(actor, scope, name, input, &SaveOptions::default()).await;
    saved.with_context(|| format!("a submission of {name}"))?;
    Ok(())
}

fn text(name: &str) -> Result<String> {
    let file = Files::get(name).with_context(|| format!("the demo has no file {name}"))?;
    String::from_utf8(file.data.into_owned()).with_context(|| format!("{name} is not text"))
}

fn document(name: &str) -> Result<Value> {
    serde_json::from_str(&text(name)?).with_context(|| format!("{name} is not JSON"))
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn string<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn optional(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A copy of a document without properties that belong to the demo alone.
fn without(value: &Value, names: &[&str]) -> Value {
    let mut copy = value.clone();
    if let Some(map) = copy.as_object_mut() {
        map.retain(|name, _| !names.contains(&name.as_str()));
    }
    copy
}

async fn create_webhook(
    app: &api::App,
    actor: &Actor,
    kapp: Option<&str>,
    webhook: &Value,
) -> Result<()> {
    let body = webhook.as_object().context("a webhook is an object")?;
    let input = WebhookInput::from_json(body)?;
    let created = app.webhooks.create_webhook(&webhook_actor(actor), kapp, &input).await;
    created.with_context(|| format!("the webhook {}", string(webhook, "name")))?;
    Ok(())
}

async fn create_connection(app: &api::App, actor: &Actor, connection: &Value) -> Result<()> {
    let name = string(connection, "name");
    let actor = webhook_actor(actor);
    let given = without(connection, &["operations"]);
    let given = given.as_object().context("a connection is an object")?;
    let created = app.webhooks.create_connection(&actor, given).await;
    let created = created.with_context(|| format!("the connection {name}"))?;
    for operation in items(connection, "operations") {
        let given = operation.as_object().context("an operation is an object")?;
        let created = app.webhooks.create_operation(&actor, &created.id, given).await;
        created.with_context(|| format!("an operation of {name}"))?;
    }
    Ok(())
}

async fn create_handler(app: &api::App, actor: &Actor, handler: &Value) -> Result<()> {
    let id = string(handler, "definitionId");
    let list = |name: &str| handler.get(name).cloned().unwrap_or_default();
    let input = ExternalInput {
        name: optional(handler, "name"),
        description: optional(handler, "description"),
        parameters: Some(serde_json::from_value(list("parameters"))?),
        results: Some(serde_json::from_value(list("results"))?),
        url: optional(handler, "url"),
        effect: optional(handler, "effect"),
        ..ExternalInput::default()
    };
    let created = app.workflows.create_external_handler(&workflow_actor(actor), id, input).await;
    created.with_context(|| format!("the handler {id}"))?;
    Ok(())
}

async fn create_tree(app: &api::App, actor: &Actor, tree: &Value) -> Result<()> {
    let definition = tree.get("treeJson").context("the tree has no treeJson")?;
    let input = TreeInput {
        source: optional(tree, "sourceName"),
        group: optional(tree, "sourceGroup"),
        name: optional(tree, "name"),
        kind: optional(tree, "type"),
        status: optional(tree, "status"),
        definition_id: optional(tree, "definitionId"),
        definition: Some((Format::Json, definition.to_string())),
        ..TreeInput::default()
    };
    let created = app.workflows.create_tree(&workflow_actor(actor), input, false).await?;
    let problems = &created.tree.problems;
    ensure!(problems.is_empty(), "the tree {} has problems: {problems:?}", created.tree.title());
    Ok(())
}

async fn create_schedule(app: &api::App, actor: &Actor, schedule: &Value) -> Result<()> {
    let tree = ["sourceName", "sourceGroup", "treeName"];
    let input = ScheduleInput {
        name: optional(schedule, "name"),
        tree: Some(tree.map(|name| string(schedule, name).to_owned())),
        cron: optional(schedule, "cron"),
        time_zone: optional(schedule, "timeZone"),
        ..ScheduleInput::default()
    };
    let created = app.workflows.create_schedule(&workflow_actor(actor), input).await;
    created.with_context(|| format!("the schedule {}", string(schedule, "name")))?;
    Ok(())
}

async fn create_web_api(app: &api::App, actor: &Actor, web_api: &Value) -> Result<()> {
    let input = WebApiInput {
        slug: optional(web_api, "slug"),
        method: optional(web_api, "method"),
        security_policies: None,
    };
    let created = app.workflows.create_web_api(&workflow_actor(actor), "", input).await;
    created.with_context(|| format!("the web API {}", string(web_api, "slug")))?;
    Ok(())
}

fn workflow_actor(actor: &Actor) -> workflows::Actor {
    workflows::Actor {
        space_id: actor.space_id.clone(),
        username: actor.username.clone(),
        cause: actor.cause.clone(),
    }
}

fn webhook_actor(actor: &Actor) -> webhooks::Actor {
    webhooks::Actor {
        space_id: actor.space_id.clone(),
        username: actor.username.clone(),
        is_space_admin: actor.is_space_admin,
    }
}
