//! The conventional set: one action creates the webhooks that lead to the conventional trees.

use crate::definitions::WebhookInput;
use crate::{Actor, Error, Webhooks};
use model::catalogue::{self, Convention, Level};
use model::webhook::Webhook;

/// What became of the set.
#[derive(Clone, Debug, Default)]
pub struct Created {
    /// Webhooks that were created.
    pub created: Vec<Webhook>,
    /// Names of those that existed: one of that name, or one for that event with that URL.
    pub skipped: Vec<String>,
}

/// The name of a convention's webhook, such as `Submission Submitted`.
pub fn name(convention: &Convention) -> String {
    format!("{} {}", convention.type_name, convention.event)
}

impl Webhooks {
    /// Creates the conventional webhooks of the space, or of one kapp, that do not exist yet.
    ///
    /// # Errors
    /// As [`Webhooks::create_webhook`].
    pub async fn create_conventional(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
    ) -> Result<Created, Error> {
        let known = self.webhooks(actor, kapp).await?;
        let level = if kapp.is_some() { Level::Kapp } else { Level::Space };
        let mut set = Created::default();
        for row in catalogue::seed_rows().into_iter().filter(|row| row.level == level) {
            let (name, url) = (name(&row), row.url_template());
            let exists = |w: &Webhook| {
                w.name == name
                    || (w.type_name == row.type_name && w.event == row.event && w.url == url)
            };
            if known.iter().any(exists) {
                set.skipped.push(name);
                continue;
            }
            let input = WebhookInput {
                name: Some(name.clone()),
                type_name: Some(row.type_name.to_owned()),
                event: Some(row.event.to_owned()),
                url: Some(url),
                ..WebhookInput::default()
            };
            match self.create_webhook(actor, kapp, &input).await {
                Ok(webhook) => set.created.push(webhook),
                // Somebody was faster.
                Err(Error::Unique { .. }) => set.skipped.push(name),
                Err(error) => return Err(error),
            }
        }
        Ok(set)
    }
}
