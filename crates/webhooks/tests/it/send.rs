//! The sender against everything an endpoint may do to it.

use crate::receiver::{Answer, Receiver};
use http::header::{HeaderName, HeaderValue};
use model::job::ErrorClass;
use model::time::Micros;
use runtime::Runtime;
use std::net::IpAddr;
use std::sync::Arc;
use webhooks::guard::Guard;
use webhooks::send::{Limits, MASKED, Options, Outcome, Request, Resolve, Sender};

fn options(allowed: &[&str]) -> Options {
    let allowed = allowed.iter().map(|net| net.parse().unwrap()).collect();
    Options { guard: Guard::new(allowed), ..Options::default() }
}

fn sender() -> Sender {
    Sender::new(Runtime::system(), options(&["127.0.0.0/8"])).unwrap()
}

fn post(url: impl Into<String>) -> Request {
    Request {
        method: http::Method::POST,
        url: url.into(),
        headers: vec![(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body: r#"{"a":1}"#.into(),
        limits: Limits::default(),
        identity: None,
    }
}

fn class(outcome: &Outcome) -> Option<ErrorClass> {
    outcome.delivery_failure().map(|f| f.class)
}

/// What becomes of one request to an endpoint that behaves like `answer`.
async fn meets(answer: Answer) -> (Option<ErrorClass>, String) {
    let receiver = Receiver::always(answer).await;
    let outcome = sender().send(&post(receiver.url("/hook"))).await;
    (class(&outcome), outcome.delivery_failure().map_or(outcome.summary(), |f| f.message))
}

#[tokio::test]
async fn statuses_and_broken_answers_have_their_class() {
    let status = |status| Answer::Status(status, "body");
    for good in [200, 201, 202, 206, 299] {
        assert_eq!(meets(status(good)).await.0, None, "{good}");
    }
    assert_eq!(meets(Answer::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())).await.0, None);
    assert_eq!(
        meets(status(404)).await,
        (Some(ErrorClass::Http4xx), "Answered 404 Not Found".into())
    );
    assert_eq!(meets(status(503)).await.0, Some(ErrorClass::Http5xx));
    assert_eq!(meets(status(700)).await.0, Some(ErrorClass::Protocol));
    let redirect = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\
        content-length: 0\r\n\r\n";
    assert_eq!(
        meets(Answer::Raw(redirect.to_vec())).await,
        (
            Some(ErrorClass::Redirect),
            "Redirects to http://169.254.169.254/; redirects are not followed".into()
        )
    );
    let closed = |bytes: &[u8]| Answer::RawThenClose(bytes.to_vec());
    let reset = |bytes: &[u8]| Answer::RawThenReset(bytes.to_vec());
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
    let bad_chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    let flood = ["HTTP/1.1 200 OK\r\n", &"x-a: b\r\n".repeat(500), "\r\n"].concat();
    for (answer, expect) in [
        (closed(b""), ErrorClass::Reset),
        (closed(b"HTTP/1.1 200"), ErrorClass::Reset),
        (reset(b""), ErrorClass::Reset),
        (closed(head), ErrorClass::Protocol),
        (closed(b"not http at all\r\n\r\n"), ErrorClass::Protocol),
        (closed(bad_chunk), ErrorClass::Protocol),
        (closed(flood.as_bytes()), ErrorClass::Protocol),
        (closed(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), ErrorClass::Protocol),
    ] {
        let words = format!("{answer:?}");
        assert_eq!(meets(answer).await.0, Some(expect), "{words}");
    }
    let mid_body = meets(reset(head)).await.0;
    assert!(matches!(mid_body, Some(ErrorClass::Reset | ErrorClass::Protocol)), "{mid_body:?}");
}

#[tokio::test]
async fn the_body_is_kept_up_to_its_limit_and_read_up_to_another() {
    let receiver = Receiver::always(Answer::Status(200, "0123456789")).await;
    let mut request = post(receiver.url("/"));
    request.limits.kept_bytes_max = 4;
    let outcome = sender().send(&request).await;
    assert_eq!(class(&outcome), None);
    let text = outcome.response.unwrap().text();
    assert_eq!(text, "0123\n… cut: 4 of 10 bytes kept");

    let endless = Receiver::always(Answer::Endless).await;
    let outcome = sender().send(&post(endless.url("/"))).await;
    assert_eq!(class(&outcome), Some(ErrorClass::TooLarge));
    assert!(outcome.response.unwrap().body.len() <= model::limits::RESPONSE_KEPT_BYTES_MAX);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_stored_safely() {
    let bytes = b"HTTP/1.1 200 OK\r\nx-odd: \xff\xfe\r\ncontent-length: 3\r\n\r\n\0\xffz";
    let receiver = Receiver::always(Answer::Raw(bytes.to_vec())).await;
    let outcome = sender().send(&post(receiver.url("/"))).await;
    let detail = outcome.detail();
    assert_eq!(detail.response_body.as_deref(), Some("\u{fffd}\u{fffd}z"));
    assert_eq!(detail.response_status, Some(200));
    assert!(detail.response_headers.iter().any(|(name, _)| name == "x-odd"));
}

#[tokio::test]
async fn one_deadline_covers_every_phase() {
    for (answer, phase) in [
        (Answer::Hang, "waiting for the answer"),
        (Answer::Raw(b"HTTP/1.1 200 OK\r\nx-".to_vec()), "waiting for the answer"),
    ] {
        let receiver = Receiver::always(answer).await;
        // The clock is moved by hand: no test waits thirty seconds.
        let runtime = Runtime::fake(Micros(0), 1);
        let sender = Sender::new(runtime.clone(), options(&["127.0.0.0/8"])).unwrap();
        let request = post(receiver.url("/"));
        let sending = runtime.spawn({
            let sender = sender.clone();
            async move { sender.send(&request).await }
        });
        receiver.wait_for(1).await;
        runtime.advance_ms(29_999);
        tokio::task::yield_now().await;
        assert!(!sending.is_finished());
        runtime.advance_ms(1);
        let outcome = sending.await.unwrap();
        assert_eq!(class(&outcome), Some(ErrorClass::Timeout));
        let message = outcome.failure.unwrap().message;
        assert_eq!(message, format!("Gave up after 30.0 s, while {phase}"));
    }
}

#[tokio::test]
async fn a_connection_is_used_again_and_a_stale_one_is_noticed() {
    let receiver = Receiver::start(|n, _| match n {
        2 => Answer::RawThenClose(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()),
        _ => Answer::Status(200, "ok"),
    })
    .await;
    let sender = sender();
    let mut reused = Vec::new();
    for n in 0..5 {
        let outcome = sender.send(&post(receiver.url("/"))).await;
        assert_eq!(class(&outcome), None, "{n}: {outcome:?}");
        reused.push(outcome.trace.reused);
        if n == 2 {
            // The close of the other side has to arrive before the next request.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    assert_eq!(reused, [false, true, true, false, true]);
    assert_eq!(receiver.connections(), 2);
    let on: Vec<_> = receiver.hits().iter().map(|hit| hit.connection).collect();
    assert_eq!(on, [0, 0, 0, 1, 1]);
}

#[tokio::test]
async fn what_is_sent_is_what_is_recorded_with_secrets_masked() {
    let receiver = Receiver::always(Answer::Status(200, "")).await;
    let mut request = post(receiver.url("/a%20b?c=d"));
    let mut secret = HeaderValue::from_static("hush");
    secret.set_sensitive(true);
    request.headers.push((HeaderName::from_static("x-secret"), secret));
    request.headers.push((http::header::CONTENT_LENGTH, HeaderValue::from_static("1")));
    let outcome = sender().send(&request).await;
    let hit = &receiver.hits()[0];
    assert!(hit.head.starts_with("POST /a%20b?c=d HTTP/1.1\r\n"), "{}", hit.head);
    assert_eq!(hit.header("host"), Some(receiver.address.to_string().as_str()));
    assert_eq!(hit.header("user-agent"), Some(webhooks::send::USER_AGENT));
    assert_eq!(hit.header("x-secret"), Some("hush"));
    assert_eq!(hit.header("content-length"), Some("7"));
    assert_eq!(hit.body, r#"{"a":1}"#);
    let detail = outcome.detail();
    assert!(detail.request_headers.contains(&("x-secret".into(), MASKED.into())));
    assert_eq!(detail.address, Some(receiver.address.to_string()));
    assert!(detail.connect_ms.is_some() && detail.first_byte_ms.is_some());
    assert!(HeaderValue::from_str("a\r\nb: c").is_err(), "no header can be smuggled in");
}

#[tokio::test]
async fn bad_addresses_are_blocked_where_the_connection_is_made() {
    let receiver = Receiver::always(Answer::Status(200, "ok")).await;
    let port = receiver.address.port();
    let strict = Sender::new(Runtime::system(), options(&[])).unwrap();
    for host in ["127.0.0.1", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]"] {
        let outcome = strict.send(&post(format!("http://{host}:{port}/"))).await;
        assert_eq!(class(&outcome), Some(ErrorClass::Blocked), "{host}");
        assert_eq!(outcome.trace.address, None);
    }
    let answers = |list: &'static [&'static str]| -> Resolve {
        Arc::new(move |_: &str| {
            let list: Vec<IpAddr> = list.iter().map(|a| a.parse().unwrap()).collect();
            Box::pin(async move { Ok(list) })
        })
    };
    for list in [&["127.0.0.1"][..], &["93.184.216.34", "10.0.0.1"], &["::ffff:169.254.169.254"]] {
        let options = Options { resolve: Some(answers(list)), ..options(&[]) };
        let sender = Sender::new(Runtime::system(), options).unwrap();
        let outcome = sender.send(&post(format!("http://rebound.example:{port}/"))).await;
        assert_eq!(class(&outcome), Some(ErrorClass::Blocked), "{list:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn names_and_ports_that_lead_nowhere() {
    let nowhere: Resolve =
        Arc::new(|_: &str| Box::pin(async { Err(std::io::Error::other("no such name")) }));
    let options = Options { resolve: Some(nowhere), ..options(&["127.0.0.0/8"]) };
    let sender = Sender::new(Runtime::system(), options).unwrap();
    let outcome = sender.send(&post("http://nowhere.example/")).await;
    assert_eq!(class(&outcome), Some(ErrorClass::Dns));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = sender.send(&post(format!("http://{address}/"))).await;
    assert_eq!(class(&outcome), Some(ErrorClass::Connect));
    assert_eq!(outcome.summary(), format!("Cannot connect to {address}: connection refused"));
}
