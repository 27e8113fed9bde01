//! Mail as the engines ask for it. Who sends it is wired by the server, as with everything that
//! leaves it; here stand only the message, the trait and what may become of it.

use std::future::Future;
use std::pin::Pin;

/// A message to send. Addresses are as people write them: `ann@example.com`, `Ann <ann@…>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// What tells this message from all others, and stays the same when it is sent again.
    pub key: String,
    /// The sender; blank: the one that the operator configured.
    pub from: String,
    /// Recipients, separated by commas.
    pub to: String,
    /// Further recipients that all see.
    pub cc: String,
    /// Further recipients that nobody sees.
    pub bcc: String,
    /// Where answers go; blank: to the sender.
    pub reply_to: String,
    /// The subject.
    pub subject: String,
    /// The body as HTML; blank: there is none.
    pub html: String,
    /// The body as plain text.
    pub text: String,
}

/// Why a message was not sent, or perhaps was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It was not sent, and would not be if it were tried again as it is.
    #[error("{0}")]
    Refused(String),
    /// It was not sent; another attempt may succeed.
    #[error("{0}")]
    Delayed(String),
    /// The mail server had all of it and did not say what it made of it.
    #[error("{0}")]
    Unknown(String),
}

/// The future of a sending.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<String, Unsent>> + Send + 'a>>;

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// Hands a message to the mail server and returns its `Message-ID`. Bounded in time.
    fn send<'a>(&'a self, mail: &'a Mail) -> Sending<'a>;
}

/// The mailer of a server that has none configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMailer;

impl Mailer for NoMailer {
    fn send<'a>(&'a self, _: &'a Mail) -> Sending<'a> {
        let why = "The server has no mail server to send with; its operator sets KAPOK_SMTP_URL.";
        Box::pin(std::future::ready(Err(Unsent::Refused(why.to_owned()))))
    }
}
