//! A space with an administrator, a user and a kapp, on a fake clock.

use model::event::Event;
use model::people::User;
use model::time::Micros;
use platform::forms::FormInput;
use platform::kapps::KappInput;
use platform::spaces::Bootstrap;
use platform::submissions::{Record, SaveOptions, SubmissionInput};
use platform::users::UserInput;
use platform::{Actor, BoxFuture, Error, Outbox, Platform, Prepared, Scope};
use runtime::Runtime;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use store::Store;

/// The password of everybody in a test.
pub(crate) const PASSWORD: &str = "correct horse";
/// The kapp of every test.
pub(crate) const KAPP: Scope<'static> = Scope::Kapp("services");

/// An outbox that remembers the events whose changes were committed.
#[derive(Default)]
pub(crate) struct Recorder {
    fired: Arc<Mutex<Vec<Event>>>,
    /// How many prepared events are still to be refused as stale.
    pub(crate) stale: Arc<AtomicUsize>,
}

struct Recorded {
    events: Vec<Event>,
    fired: Arc<Mutex<Vec<Event>>>,
    stale: Arc<AtomicUsize>,
}

impl Outbox for Recorder {
    fn prepare(&self, events: Vec<Event>) -> BoxFuture<'_, Result<Box<dyn Prepared>, Error>> {
        let (fired, stale) = (self.fired.clone(), self.stale.clone());
        let prepared: Box<dyn Prepared> = Box::new(Recorded { events, fired, stale });
        Box::pin(async move { Ok(prepared) })
    }
}

impl Prepared for Recorded {
    fn apply(&self, _tx: &mut store::Tx) -> Result<(), store::Error> {
        let one_less = |left: usize| left.checked_sub(1);
        match self.stale.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => Err(store::Error::Stale),
            Err(_) => Ok(()),
        }
    }

    fn committed(&self) {
        self.fired.lock().unwrap().extend(self.events.iter().cloned());
    }
}

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) runtime: Runtime,
    pub(crate) outbox: Arc<Recorder>,
    pub(crate) admin: Actor,
    pub(crate) ann: Actor,
    pub(crate) ann_user: User,
}

impl World {
    pub(crate) async fn new(store: &Store) -> Self {
        let start = Micros::parse_iso("2026-11-21T20:00:00Z").unwrap();
        let runtime = Runtime::fake(start, 7);
        let outbox = Arc::new(Recorder::default());
        let platform = Platform::new(store.clone(), runtime.clone(), outbox.clone());
        let first = Bootstrap {
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
            username: "admin".to_owned(),
            password: Some(PASSWORD.to_owned()),
        };
        let first = platform.bootstrap(first).await.unwrap();
        let admin = Actor::user(&first.administrator.unwrap(), platform.outside());
        let kapp = KappInput::from_json(&json!({
            "name": "Services", "attributesMap": {"Icon": ["fa-star"]},
        }));
        platform.create_kapp(&admin, kapp.unwrap()).await.unwrap();
        let ann = json!({"username": "ann", "displayName": "Ann", "password": PASSWORD});
        let ann = UserInput::from_json(&ann).unwrap();
        let ann_user = platform.create_user(&admin, ann).await.unwrap();
        let ann = Actor::user(&ann_user, platform.outside());
        let world = Self { platform, runtime, outbox, admin, ann, ann_user };
        world.fired();
        world
    }

    /// The events since the last call.
    pub(crate) fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.outbox.fired.lock().unwrap())
    }

    /// The events since the last call, as `Type Action`.
    pub(crate) fn fired(&self) -> Vec<String> {
        self.events().iter().map(|e| format!("{} {}", e.type_name, e.event)).collect()
    }

    /// Creates the laptop form: two pages, a required text, a list, a pattern.
    pub(crate) async fn laptop(&self) {
        self.form(KAPP, laptop()).await;
    }

    pub(crate) async fn form(&self, scope: Scope<'_>, form: Value) {
        let form = FormInput::from_json(&form).unwrap();
        self.platform.create_form(&self.admin, scope, form).await.unwrap();
        self.events();
    }

    /// Creates a submission of the laptop form.
    pub(crate) async fn submit(&self, actor: &Actor, body: Value) -> Result<Record, Error> {
        let input = SubmissionInput::from_json(&body)?;
        let options = SaveOptions::default();
        self.platform.create_submission(actor, KAPP, "laptop", input, &options).await
    }

    pub(crate) async fn update(
        &self,
        actor: &Actor,
        id: &str,
        body: Value,
    ) -> Result<Record, Error> {
        let input = SubmissionInput::from_json(&body)?;
        self.platform.update_submission(actor, id, input).await
    }
}

pub(crate) fn laptop() -> Value {
    let field = |name: &str, more: Value| {
        let mut field = json!({"type": "field", "name": name, "dataType": "string"});
        field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        field
    };
    json!({
        "name": "Laptop", "slug": "laptop", "type": "Service",
        "submissionLabelExpression": "Laptop for ${values('For')}",
        "pages": [
            {"name": "Request", "type": "page", "elements": [
                {"type": "section", "elements": [
                    field("For", json!({"required": true, "requiredMessage": "Say who it is for"})),
                ]},
                field("Colours", json!({})),
                {"type": "button", "renderType": "submit-page"},
            ]},
            {"name": "Details", "elements": [
                field("Email", json!({
                    "required": "values('For') === 'ann'",
                    "pattern": {"regex": "^[^@]+@[^@]+$", "message": "Email must have an @"},
                })),
                field("Year", json!({"constraints": [
                    {"definition": "values('Year') >= 2000", "message": "Year must be recent"},
                ]})),
                field("Status", json!({})),
                field("Raw", json!({"dataType": "json"})),
            ]},
            {"name": "Thanks", "renderType": "confirmation", "elements": []},
        ],
    })
}

/// The text of an error.
pub(crate) fn text<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}
