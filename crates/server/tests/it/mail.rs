//! Mail: nodes that send it, against a mail server on a real socket that does as a script says.

use crate::handlers::{start, tree, until};
use crate::harness::Server;
use runtime::vault::Secret;
use serde_json::{Value, json};
use server::config::{Smtp, Tls};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server: what it says to a command (its first word, `.` for a message's end), where that
/// is not the usual; blank hangs up.
#[derive(Clone, Default)]
struct Peer {
    says: Arc<Mutex<HashMap<&'static str, &'static str>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peer = peer.clone();
                tokio::spawn(async move { peer.talk(stream).await });
            }
        });
        port
    }

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        self.say(&mut stream, "HELLO", "220 test").await?;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
            let line = line.trim_end().to_owned();
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            self.heard.lock().unwrap().push(line);
            match word.as_str() {
                "EHLO" => {
                    self.say(&mut stream, "EHLO", "250-test\r\n250 AUTH PLAIN LOGIN").await?;
                }
                "AUTH" => self.say(&mut stream, "AUTH", "235 welcome").await?,
                "MAIL" => self.say(&mut stream, "MAIL", "250 go on").await?,
                "RCPT" => self.say(&mut stream, "RCPT", "250 go on").await?,
                "DATA" => {
                    self.say(&mut stream, "DATA", "354 send it").await?;
                    if self.says.lock().unwrap().contains_key("DATA") {
                        continue;
                    }
                    let mut text = String::new();
                    while !text.ends_with("\r\n.\r\n") {
                        stream.read_line(&mut text).await.ok().filter(|read| *read > 0)?;
                    }
                    self.heard.lock().unwrap().push(text);
                    self.say(&mut stream, ".", "250 taken").await?;
                }
                "STARTTLS" => self.say(&mut stream, "STARTTLS", "220 go on").await?,
                "QUIT" => {
                    self.say(&mut stream, "QUIT", "221 bye").await?;
                    return None;
                }
                _ => self.say(&mut stream, "", "500 what?").await?,
            }
        }
    }

    async fn say(
        &self,
        stream: &mut BufReader<TcpStream>,
        at: &'static str,
        usual: &'static str,
    ) -> Option<()> {
        let said = self.says.lock().unwrap().get(at).copied().unwrap_or(usual);
        if said.is_empty() {
            return None;
        }
        stream.get_mut().write_all(format!("{said}\r\n").as_bytes()).await.ok()
    }

    fn says(&self, at: &'static str, what: &'static str) {
        self.says.lock().unwrap().insert(at, what);
    }

    fn heard(&self) -> String {
        std::mem::take(&mut *self.heard.lock().unwrap()).join("\n")
    }
}

fn smtp(port: u16, tls: Tls, credentials: Option<(String, Secret)>) -> Smtp {
    let from = "Kapok <kapok@example.com>".parse().unwrap();
    Smtp { host: "127.0.0.1".into(), port, tls, credentials, from }
}

async fn sending(peer: &Peer, tls: Tls, credentials: Option<(String, Secret)>) -> Server {
    let port = peer.listen().await;
    let store = testkit::sqlite().await;
    Server::with(store, |config| config.smtp = Some(smtp(port, tls, credentials))).await
}

fn mail(handling: &str) -> Value {
    json!({ "error_handling": handling, "to": "Ann <ann@example.com>, bob@example.com",
        "bcc": "eve@example.com", "subject": "Grüße", "htmlbody": "<p>Hello</p>",
        "textbody": "Hello" })
}

/// The results of a node that sends mail.
async fn sent(server: &Server) -> Value {
    tree(server, "mail", &[("h", "smtp_email_send_v1", mail("Error Message"))]).await;
    let done = until(server, &start(server, "mail").await, "Complete").await;
    done["tasks"][1]["results"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_handed_over() {
    let peer = Peer::default();
    let secret = Some(("kapok".to_owned(), Secret::new("hush")));
    let server = sending(&peer, Tls::None, secret).await;
    let results = sent(&server).await;
    assert_eq!(results["Handler Error Message"], "");
    let heard = peer.heard();
    assert!(heard.contains("AUTH PLAIN AGthcG9rAGh1c2g="), "{heard}");
    assert!(heard.contains("MAIL FROM:<kapok@example.com>"));
    for to in ["ann", "bob", "eve"] {
        assert!(heard.contains(&format!("RCPT TO:<{to}@example.com>")), "{heard}");
    }
    let (_, message) = heard.split_once("DATA\n").unwrap();
    let id = results["Message Id"].as_str().unwrap();
    assert!(id.ends_with("@example.com>") && message.contains(&format!("Message-ID: {id}")));
    assert!(message.contains("Subject: =?utf-8?") && message.contains("multipart/alternative"));
    assert!(!message.contains("eve@"), "a blind copy is shown");
    assert!(message.contains("<p>Hello</p>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_server_refuses_is_told() {
    let check = async |at: &'static str, says: &'static str, expect: &str| {
        let peer = Peer::default();
        peer.says(at, says);
        let secret = Some(("kapok".to_owned(), Secret::new("hush")));
        let server = sending(&peer, Tls::None, secret).await;
        let said = sent(&server).await["Handler Error Message"].as_str().unwrap().to_owned();
        assert!(said.contains(expect) && !said.contains("hush"), "{at}: {said}");
        server.app().runtime.stop().await;
    };
    check("AUTH", "535 5.7.8 wrong password", "signing in: permanent error (535)").await;
    check("MAIL", "451 4.3.0 try later", "naming the sender: transient error (451)").await;
    check("RCPT", "550 5.1.1 unknown", "naming the recipient ann@example.com").await;
    check("DATA", "554 5.5.0 no", "beginning the message: permanent error (554)").await;
    check(".", "552 5.3.4 too big", "handing the message over: permanent error (552)").await;
    check("HELLO", "421 4.3.2 closing", "connecting").await;
    check("HELLO", "", "connecting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_hangs_up_on_a_message_leaves_its_outcome_unknown() {
    let peer = Peer::default();
    peer.says(".", "");
    let server = sending(&peer, Tls::None, None).await;
    tree(&server, "mail", &[("h", "smtp_email_send_v1", mail("Error Message"))]).await;
    let run = start(&server, "mail").await;
    until(&server, &run, "Error").await;
    let errors = server.get("/app/components/task/app/api/v2/errors?include=details").await.ok();
    assert!(errors.to_string().contains("The outcome is unknown: the mail server may have taken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_without_tls_unless_it_may() {
    let peer = Peer::default();
    let server = sending(&peer, Tls::Required, None).await;
    let said = sent(&server).await["Handler Error Message"].as_str().unwrap().to_owned();
    assert!(said.contains("does not offer STARTTLS"), "{said}");
    assert!(!peer.heard().contains("MAIL"));

    // It offers TLS, and then speaks something else.
    peer.says("EHLO", "250-test\r\n250 STARTTLS");
    peer.says("STARTTLS", "220 go on\r\nthis is no handshake");
    let said = sent(&server).await["Handler Error Message"].as_str().unwrap().to_owned();
    assert!(said.contains("negotiating TLS"), "{said}");
    assert!(!peer.heard().contains("MAIL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_none_and_a_server_without_mail_are_told() {
    let peer = Peer::default();
    let server = sending(&peer, Tls::None, None).await;
    let mut wrong = mail("Raise Error");
    wrong["to"] = "nobody in particular".into();
    tree(&server, "mail", &[("h", "smtp_email_send_v1", wrong)]).await;
    until(&server, &start(&server, "mail").await, "Error").await;
    assert_eq!(peer.heard(), "");

    let without = crate::harness::one().await;
    let said = sent(&without).await["Handler Error Message"].as_str().unwrap().to_owned();
    assert!(said.contains("KAPOK_SMTP_URL"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_say_whether_mail_can_be_sent() {
    for (without, with) in testkit::both().await.into_iter().zip(testkit::both().await) {
        let port = Peer::default().listen().await;
        let servers = [
            (Server::with(without, |_| {}).await, false),
            (
                Server::with(with, |config| config.smtp = Some(smtp(port, Tls::None, None))).await,
                true,
            ),
        ];
        for (server, expect) in servers {
            let read = server.get("/delivery").await.ok();
            assert_eq!(read["delivery"]["hasMailServer"], expect);
            // Clients send back what they read; it changes nothing.
            let saved = server.put("/delivery", &json!({ "hasMailServer": !expect })).await.ok();
            assert_eq!(saved["delivery"]["hasMailServer"], expect);
        }
    }
}
