//! The mail of notices: sent after their commit, tried again when the mail server cannot take it.
//!
//! A mail may arrive twice (a crash between the mail server's answer and our note of it), which
//! does no harm here: the `Message-ID` is the same.

use crate::Inner;
use model::notice::{Kind, Mail as State, Notice};
use runtime::changes::Topic;
use runtime::mail::{Mail, Unsent};

/// Mails that one look sends.
const BATCH: i64 = 20;
/// Milliseconds after which another node takes a mail over: longer than one attempt may take.
const TAKEN_MS: i64 = 2 * model::limits::MAIL_MS as i64;
/// Milliseconds before the second and each later attempt; after the last one it is given up.
const WAITS_MS: [i64; 4] = [60_000, 5 * 60_000, 30 * 60_000, 2 * 60 * 60_000];

impl Inner {
    /// Sends what is due.
    pub(super) async fn mail_due(&self) {
        let now = self.runtime.now();
        let due = self.store.read(move |tx| store::notices::due_mail(tx, now, BATCH));
        match due.await {
            Ok(due) => {
                for notice in due {
                    if let Err(error) = self.mail(&notice).await {
                        tracing::warn!(%error, "noting what became of a notice's mail failed");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "looking for mail to send failed"),
        }
    }

    async fn mail(&self, notice: &Notice) -> Result<(), store::Error> {
        let (own, until) = (notice.clone(), self.runtime.now().plus_ms(TAKEN_MS));
        if !self.store.write(move |tx| store::notices::claim_mail(tx, &own, until)).await? {
            return Ok(());
        }
        let space = notice.space_id.clone();
        let space = self.store.read(move |tx| store::spaces::by_id(tx, &space)).await?;
        let name = space.map_or_else(String::new, |space| space.name);
        let sent = self.mailer.send(&self.message(notice, &name)).await;
        let now = self.runtime.now();
        let tries = usize::try_from(notice.mail_tries).unwrap_or(usize::MAX);
        let (state, due, error) = match sent {
            Ok(_) => (State::Sent, None, None),
            Err(Unsent::Refused(why)) => (State::Failed, None, Some(why)),
            Err(Unsent::Delayed(why) | Unsent::Unknown(why)) => match WAITS_MS.get(tries) {
                Some(wait) => (State::Waiting, Some(now.plus_ms(*wait)), Some(why)),
                None => (State::Failed, None, Some(why)),
            },
        };
        if let Some(why) = &error {
            tracing::warn!(notice = %notice.id, %why, "the mail of a notice was not sent");
        }
        let id = notice.id.clone();
        let settled = self
            .store
            .write(move |tx| store::notices::settle_mail(tx, &id, state, due, error.as_deref()));
        settled.await?;
        self.changes.publish(&notice.space_id, Topic::Webhooks);
        Ok(())
    }

    fn message(&self, notice: &Notice, space: &str) -> Mail {
        let what = match notice.kind {
            Kind::Failing => "fails",
            Kind::Recovered => "works again",
            Kind::Disabled => "was disabled",
        };
        let mut text = format!("{}\n\n{}\n", notice.message, notice.at.iso());
        if let Some(base) = &self.settings.public_url {
            let base = base.as_str().trim_end_matches('/');
            text.push_str(&format!("{base}/console/jobs/{}\n", notice.job_id));
        }
        Mail {
            key: notice.id.to_string(),
            to: notice.mail_to.join(", "),
            subject: format!("{space}: the webhook \"{}\" {what}", notice.webhook),
            text,
            ..Mail::default()
        }
    }
}
