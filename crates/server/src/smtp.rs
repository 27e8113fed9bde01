//! Sends mail over SMTP: one connection for each message, bounded in time and size.
//!
//! What matters to a run is whether a message may have been sent. Until its last byte is written
//! it was not; after that only the mail server's answer tells.

use crate::config::{Smtp, Tls};
use anyhow::{Context, Result};
use lettre::message::{Mailbox, Mailboxes, Message, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use model::limits;
use runtime::Runtime;
use runtime::mail::{Mail, Mailer, Sending, Unsent};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// Ways to sign in, the first that the server offers is taken.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Sends through the server that is configured.
pub(crate) struct SmtpMailer {
    smtp: Smtp,
    tls: Option<TlsParameters>,
    runtime: Runtime,
}

impl SmtpMailer {
    /// A mailer that trusts `roots` (DER) besides the public authorities.
    ///
    /// # Errors
    /// When a root is no certificate.
    pub(crate) fn new(smtp: Smtp, roots: &[Vec<u8>], runtime: Runtime) -> Result<Self> {
        let tls = match smtp.tls {
            Tls::None => None,
            _ => {
                let mut parameters = TlsParameters::builder(smtp.host.clone());
                for root in roots {
                    let root = Certificate::from_der(root.clone());
                    parameters = parameters.add_root_certificate(root.context("an extra root")?);
                }
                Some(parameters.build().context("cannot set up TLS for mail")?)
            }
        };
        Ok(Self { smtp, tls, runtime })
    }

    /// Connects, signs in and leaves, for those who want to know whether it would work.
    ///
    /// # Errors
    /// What failed, in words.
    pub(crate) async fn check(&self) -> Result<(), Unsent> {
        let checked = async {
            let mut connection = self.connect().await?;
            // Whether it says good-bye as well does not matter any more.
            let _ = connection.quit().await;
            Ok(())
        };
        tokio::select! {
            result = checked => result,
            () = self.deadline() => Err(Unsent::Delayed(self.late())),
        }
    }

    async fn deadline(&self) {
        self.runtime.pause(Duration::from_millis(limits::MAIL_MS)).await;
    }

    fn late(&self) -> String {
        let Smtp { host, port, .. } = &self.smtp;
        format!("{host}:{port} did not answer within {} seconds.", limits::MAIL_MS / 1_000)
    }

    /// Connects, encrypts and signs in; nothing is sent yet.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Unsent> {
        let Smtp { host, port, tls, .. } = &self.smtp;
        let name = ClientId::default();
        let implicit = self.tls.clone().filter(|_| *tls == Tls::Implicit);
        let timeout = Some(Duration::from_millis(limits::MAIL_MS));
        let at = |doing: &str, error: &SmtpError| self.unsent(doing, error);
        let server = (host.as_str(), *port);
        let connected =
            AsyncSmtpConnection::connect_tokio1(server, timeout, &name, implicit, None).await;
        let mut connection = connected.map_err(|error| at("connecting", &error))?;
        let wanted = match tls {
            Tls::Required => true,
            Tls::Opportunistic => connection.can_starttls(),
            Tls::Implicit | Tls::None => false,
        };
        if wanted {
            if !connection.can_starttls() {
                return Err(Unsent::Delayed(format!(
                    "{host}:{port} does not offer STARTTLS, and mail is not sent without."
                )));
            }
            if let Some(tls) = self.tls.clone() {
                let done = connection.starttls(tls, &name).await;
                done.map_err(|error| at("negotiating TLS", &error))?;
            }
        }
        if let Some((user, password)) = &self.smtp.credentials {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            let done = connection.auth(&MECHANISMS, &credentials).await;
            done.map_err(|error| at("signing in", &error))?;
        }
        Ok(connection)
    }

    /// An error on the way to handing a message over: it was not sent, and another attempt, at
    /// another time or after the operator has looked, may succeed.
    fn unsent(&self, doing: &str, error: &SmtpError) -> Unsent {
        let Smtp { host, port, .. } = &self.smtp;
        Unsent::Delayed(format!("{host}:{port}, {doing}: {error}"))
    }

    /// As [`Self::unsent`], but a refusal for good (5xx) of what the message itself says stays one.
    fn refused(&self, doing: &str, error: &SmtpError) -> Unsent {
        match self.unsent(doing, error) {
            Unsent::Delayed(message) if error.is_permanent() => Unsent::Refused(message),
            other => other,
        }
    }

    /// Hands a message over; `handed` is set from where on it may be sent.
    async fn exchange(&self, message: &Message, handed: &AtomicBool) -> Result<(), Unsent> {
        let mut connection = self.connect().await?;
        let envelope = message.envelope();
        let mut options = Vec::new();
        let addresses = envelope.to().iter().chain(envelope.from());
        if addresses.map(ToString::to_string).any(|address| !address.is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let why = "The mail server does not take addresses beyond ASCII.";
                return Err(Unsent::Refused(why.to_owned()));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        let from = MailFrom::new(envelope.from().cloned(), options);
        let done = connection.command(from).await;
        done.map_err(|error| self.refused("naming the sender", &error))?;
        for to in envelope.to() {
            let done = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
            done.map_err(|error| self.refused(&format!("naming the recipient {to}"), &error))?;
        }
        let done = connection.command(Data).await;
        done.map_err(|error| self.refused("beginning the message", &error))?;
        handed.store(true, Ordering::Relaxed);
        match connection.message(&message.formatted()).await {
            Ok(_) => {
                let _ = connection.quit().await;
                Ok(())
            }
            Err(error) if error.is_permanent() || error.is_transient() => {
                Err(self.refused("handing the message over", &error))
            }
            Err(error) => Err(unknown(&self.unsent("handing the message over", &error))),
        }
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> Sending<'a> {
        Box::pin(async move {
            let (message, id) = build(mail, &self.smtp.from, &self.runtime)?;
            let handed = AtomicBool::new(false);
            let sent = tokio::select! {
                sent = self.exchange(&message, &handed) => sent,
                () = self.deadline() => {
                    let late = Unsent::Delayed(self.late());
                    Err(if handed.load(Ordering::Relaxed) { unknown(&late) } else { late })
                }
            };
            sent.map(|()| id)
        })
    }
}

fn unknown(unsent: &Unsent) -> Unsent {
    Unsent::Unknown(format!("the mail server may have taken the message. {unsent}"))
}

/// The message and its `Message-ID`, which follows from the key.
fn build(mail: &Mail, usual: &Mailbox, runtime: &Runtime) -> Result<(Message, String), Unsent> {
    let size = mail.subject.len() + mail.html.len() + mail.text.len();
    if size > limits::MAIL_BYTES_MAX {
        let most = limits::MAIL_BYTES_MAX;
        return Err(Unsent::Refused(format!("The mail has {size} bytes; at most {most} go.")));
    }
    let from = match one("from", &mail.from)? {
        Some(from) => from,
        None => usual.clone(),
    };
    let id = format!("<{}@{}>", mail.key, from.email.domain());
    let micros = u64::try_from(runtime.now().0).unwrap_or_default();
    let mut message = Message::builder()
        .message_id(Some(id.clone()))
        .date(UNIX_EPOCH + Duration::from_micros(micros))
        .from(from)
        .subject(mail.subject.replace(['\r', '\n'], " "));
    if let Some(reply_to) = one("reply_to", &mail.reply_to)? {
        message = message.reply_to(reply_to);
    }
    let mut count = 0;
    for to in many("to", &mail.to, &mut count)? {
        message = message.to(to);
    }
    for cc in many("cc", &mail.cc, &mut count)? {
        message = message.cc(cc);
    }
    for bcc in many("bcc", &mail.bcc, &mut count)? {
        message = message.bcc(bcc);
    }
    let (html, text) = (mail.html.clone(), mail.text.clone());
    let built = match (html.trim().is_empty(), text.trim().is_empty()) {
        (true, _) => message.singlepart(SinglePart::plain(text)),
        (false, true) => message.singlepart(SinglePart::html(html)),
        (false, false) => message.multipart(MultiPart::alternative_plain_html(text, html)),
    };
    let message = built.map_err(|error| Unsent::Refused(format!("The mail is none: {error}")))?;
    Ok((message, id))
}

fn one(what: &str, text: &str) -> Result<Option<Mailbox>, Unsent> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.trim().parse().map(Some).map_err(|_| no_address(what, text))
}

fn many(what: &str, text: &str, count: &mut usize) -> Result<Vec<Mailbox>, Unsent> {
    let text = text.replace(';', ",");
    let text = text.trim().trim_end_matches(',');
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let boxes: Mailboxes = text.parse().map_err(|_| no_address(what, text))?;
    let boxes: Vec<Mailbox> = boxes.into_iter().collect();
    *count += boxes.len();
    if *count > limits::MAIL_RECIPIENTS_MAX {
        let most = limits::MAIL_RECIPIENTS_MAX;
        return Err(Unsent::Refused(format!("A mail goes to at most {most} recipients.")));
    }
    Ok(boxes)
}

fn no_address(what: &str, text: &str) -> Unsent {
    let text: String = text.chars().take(200).collect();
    Unsent::Refused(format!("\"{what}\" holds what is no address of mail: {text}"))
}
