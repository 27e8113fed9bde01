//! Notices: what a space is told about its webhooks, as an event and by mail.
//!
//! A webhook is in **trouble** from the failure that crosses the space's threshold, or that
//! disables it, until a delivery succeeds or a person enables it. Entering and leaving trouble are
//! events of the type `Webhook`; each leaves a notice.

use crate::id::{EventId, JobId, NoticeId, SpaceId, WebhookId};
use crate::limits;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What a notice says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Deliveries of a webhook fail, one after the other.
    Failing,
    /// They succeed again.
    Recovered,
    /// The server disabled a webhook because its endpoint is gone.
    Disabled,
}

impl Kind {
    /// The name as stored and shown; also the event's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "Failing",
            Self::Recovered => "Recovered",
            Self::Disabled => "Disabled",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Failing, Self::Recovered, Self::Disabled].into_iter().find(|k| k.as_str() == text)
    }
}

/// The trouble a webhook is in; at most one for each webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Its space.
    pub space_id: SpaceId,
    /// Since when.
    pub since: Micros,
    /// Failures in a row when it began.
    pub failures: i64,
    /// Whether the server disabled the webhook.
    pub is_disabled: bool,
    /// The class of the failure, as on jobs.
    pub error_class: Option<String>,
    /// The failure in words.
    pub message: String,
    /// The job that failed.
    pub job_id: JobId,
}

/// How far a notice's mail has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mail {
    /// Nobody is to be written to.
    None,
    /// It waits to be sent.
    Waiting,
    /// The mail server took it.
    Sent,
    /// It was given up.
    Failed,
}

impl Mail {
    /// The name as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Waiting => "Waiting",
            Self::Sent => "Sent",
            Self::Failed => "Failed",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::None, Self::Waiting, Self::Sent, Self::Failed];
        all.into_iter().find(|mail| mail.as_str() == text)
    }
}

/// Something a space was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// The space.
    pub space_id: SpaceId,
    /// When.
    pub at: Micros,
    /// What.
    pub kind: Kind,
    /// The webhook it is about, which may be gone by now.
    pub webhook_id: WebhookId,
    /// The webhook's name at the time.
    pub webhook: String,
    /// What happened, in words.
    pub message: String,
    /// The event that tells the same.
    pub event_id: EventId,
    /// The job that failed, or that was delivered again.
    pub job_id: JobId,
    /// Whom the mail is for.
    pub mail_to: Vec<String>,
    /// How far the mail has come.
    pub mail: Mail,
    /// Times the mail was tried.
    pub mail_tries: i64,
    /// Why the last try failed.
    pub mail_error: Option<String>,
}

/// When and whom a space wants to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// Failures in a row from which a webhook counts as failing.
    pub failures: u32,
    /// Addresses that are written to.
    pub mail_to: Vec<String>,
}

impl Default for Settings {
    /// Four failures are some two and a half minutes of the default schedule: longer than a
    /// receiver's restart.
    fn default() -> Self {
        Self { failures: 4, mail_to: Vec::new() }
    }
}

impl Settings {
    /// Everything that is wrong with it, for people.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=limits::NOTICE_FAILURES_MAX).contains(&self.failures) {
            problems.push(format!(
                "Notices: failures must be from 1 to {}",
                limits::NOTICE_FAILURES_MAX
            ));
        }
        if self.mail_to.len() > limits::NOTICE_ADDRESSES_MAX {
            problems.push(format!(
                "Notices: mailTo has {} addresses; {} are the most",
                self.mail_to.len(),
                limits::NOTICE_ADDRESSES_MAX
            ));
        }
        let bad = self.mail_to.iter().filter(|address| !is_address(address));
        problems.extend(bad.map(|address| {
            format!("Notices: \"{address}\" is no mail address such as ops@example.com")
        }));
        problems
    }
}

/// Whether a text has the shape of one mail address: what a mail server would refuse at once is
/// refused when it is saved.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>(),;:\"[]\\".contains(c);
    text.len() <= limits::MAIL_ADDRESS_BYTES_MAX
        && !local.is_empty()
        && !local.contains('@')
        && text.chars().all(plain)
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_before_they_are_stored() {
        assert!(Settings::default().problems().is_empty());
        let check = |address: &str, is_good| {
            let settings = Settings { mail_to: vec![address.to_owned()], ..Settings::default() };
            assert_eq!(settings.problems().is_empty(), is_good, "{address}");
        };
        check("ops@example.com", true);
        check("o'brien+alerts@localhost", true);
        check("ops", false);
        check("@example.com", false);
        check("a@b@example.com", false);
        check("ops@example..com", false);
        check("ops@example.com\r\nBcc: all@example.com", false);
        check("Ops <ops@example.com>", false);
        assert_eq!(Settings { failures: 0, ..Settings::default() }.problems().len(), 1);
        let many = vec!["a@example.com".to_owned(); limits::NOTICE_ADDRESSES_MAX + 1];
        assert_eq!(Settings { mail_to: many, ..Settings::default() }.problems().len(), 1);
    }
}
