//! What endpoints and networks may do to one request, one row each;
//! docs/operations/delivery-faults.md says which row of the promise each stands for. Deadlines are
//! short, sockets are real.

use crate::peers::{self, Http2, Pair, Stream, Tunnel};
use crate::receiver::{self, Answer, Receiver};
use http::header::HeaderValue;
use model::job::ErrorClass;
use runtime::Runtime;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use webhooks::guard::Guard;
use webhooks::send::{Limits, Options, Outcome, Proxy, Request, Resolve, Sender};

const HOST: &str = "good.example";

/// Every name is this machine, which may be called.
fn here() -> Options {
    Options { resolve: Some(resolves(&["127.0.0.1"])), ..allowing(&["127.0.0.0/8"]) }
}

fn allowing(nets: &[&str]) -> Options {
    let nets = nets.iter().map(|net| net.parse().unwrap()).collect();
    Options { guard: Guard::new(nets), ..Options::default() }
}

fn resolves(list: &[&str]) -> Resolve {
    let list: Vec<IpAddr> = list.iter().map(|a| a.parse().unwrap()).collect();
    Arc::new(move |_: &str| {
        let list = list.clone();
        Box::pin(async move { Ok(list) })
    })
}

fn sender(options: Options) -> Sender {
    Sender::new(Runtime::system(), options).unwrap()
}

/// A request that gives up soon.
fn post(url: &str) -> Request {
    Request {
        method: http::Method::POST,
        url: url.to_owned(),
        headers: vec![(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body: r#"{"a":1}"#.into(),
        limits: Limits { total_ms: 400, progress_ms: 150, ..Limits::default() },
        identity: None,
    }
}

/// The class and the words of what came of a request.
fn came(outcome: &Outcome) -> (Option<ErrorClass>, String) {
    let failure = outcome.delivery_failure();
    (failure.as_ref().map(|f| f.class), failure.map_or(outcome.summary(), |f| f.message))
}

#[tokio::test]
async fn whoever_is_slow_or_endless_meets_a_deadline_or_a_cap() {
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\n{more}").into_bytes();
    let rows = [
        (Answer::Hang, ErrorClass::Timeout, "waiting for the answer"),
        (Answer::Trickle(head("x-a: b\r\n")), ErrorClass::Timeout, "waiting for the answer"),
        (
            Answer::Trickle(head("content-length: 9\r\n\r\nabcdefghi")),
            ErrorClass::Timeout,
            "waiting for the answer",
        ),
        (Answer::Drip, ErrorClass::Timeout, "less than 64 bytes in 0.1 s"),
        (Answer::Endless, ErrorClass::TooLarge, "exceeds 65536 bytes"),
        (Answer::Flood(head(""), b"x-a: b\r\n".to_vec()), ErrorClass::Protocol, "not valid HTTP"),
        (
            Answer::Flood(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
            ErrorClass::Protocol,
            "before the head of the answer ended",
        ),
        (
            Answer::Flood(Vec::new(), b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".to_vec()),
            ErrorClass::Protocol,
            "before the head of the answer ended",
        ),
        (
            Answer::Flood(head("transfer-encoding: chunked\r\n\r\n"), b"1\r\nx\r\n".to_vec()),
            ErrorClass::TooLarge,
            "exceeds 65536 bytes",
        ),
    ];
    for (answer, class, words) in rows {
        let told = format!("{:.80}", format!("{answer:?}"));
        let receiver = Receiver::always(answer).await;
        let mut request = post(&receiver.url("/"));
        if class == ErrorClass::TooLarge {
            (request.limits.total_ms, request.limits.read_bytes_max) = (20_000, 65_536);
        }
        let (is, message) = came(&sender(here()).send(&request).await);
        assert_eq!(is, Some(class), "{told}: {message}");
        assert!(message.contains(words), "{told}: {message}");
    }
}

#[tokio::test]
async fn packed_answers_are_unpacked_and_bombs_end() {
    let gzip = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let zlib = |bytes: &[u8]| {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let bare = |bytes: &[u8]| {
        let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap();
    // Nothing here packs brotli; these were packed by another program.
    let brotli = hex("8b0380756e7061636b656403");
    let bomb = hex(BROTLI_BOMB);
    let zeros = vec![0; 8 * 1024 * 1024];
    let word = b"unpacked";
    let unpacked = (None, "unpacked");
    let too_large = (Some(ErrorClass::TooLarge), "\0");
    let broken = (Some(ErrorClass::Protocol), "");
    let rows = [
        ("gzip", gzip(word), unpacked),
        ("GZip", gzip(word), unpacked),
        ("deflate", zlib(word), unpacked),
        ("deflate", bare(word), unpacked),
        ("br", brotli.clone(), unpacked),
        ("zstd", zstd(word), unpacked),
        ("identity", word.to_vec(), unpacked),
        ("rot13", word.to_vec(), unpacked),
        ("gzip", Vec::new(), (None, "")),
        ("gzip", gzip(&zeros), too_large),
        ("deflate", zlib(&zeros), too_large),
        ("zstd", zstd(&zeros), too_large),
        ("br", bomb, too_large),
        ("gzip", word.to_vec(), broken),
        ("br", b"\xff\xff\xff".to_vec(), broken),
        ("zstd", word.to_vec(), broken),
        ("gzip", gzip(word)[..12].to_vec(), broken),
    ];
    for (encoding, body, (class, text)) in rows {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
        );
        let receiver = Receiver::always(Answer::Raw([head.as_bytes(), &body].concat())).await;
        let mut request = post(&receiver.url("/"));
        (request.limits.total_ms, request.limits.progress_ms) = (20_000, 20_000);
        let outcome = sender(here()).send(&request).await;
        let (is, message) = came(&outcome);
        assert_eq!(is, class, "{encoding}, {length} bytes: {message}");
        let kept = outcome.response.unwrap();
        assert!(kept.body.len() <= request.limits.kept_bytes_max);
        if class.is_none() {
            assert_eq!(kept.text(), text, "{encoding}");
        }
        let accepted = receiver.hits()[0].header("accept-encoding").unwrap().to_owned();
        assert_eq!(accepted, "gzip, deflate, br, zstd");
    }
}

#[tokio::test]
async fn only_a_connection_that_died_idle_is_replaced_in_silence() {
    // A reset after the request was taken is an outcome, even on a reused connection.
    let receiver = Receiver::start(|n, _| match n {
        1 => Answer::RawThenReset(Vec::new()),
        _ => Answer::Status(200, "ok"),
    })
    .await;
    let sender = sender(here());
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(came(&sender.send(&post(&receiver.url("/"))).await).0);
    }
    assert_eq!(seen, [None, Some(ErrorClass::Reset), None]);
    assert_eq!(receiver.hits().len(), 3, "nothing was sent twice");
}

#[tokio::test]
async fn more_than_was_announced_does_not_reach_the_next_answer() {
    let receiver = Receiver::start(|n, _| match n {
        0 => Answer::Raw(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\
              content-length: 0\r\n\r\n"
                .to_vec(),
        ),
        _ => Answer::Status(201, "own"),
    })
    .await;
    let sender = sender(here());
    assert_eq!(came(&sender.send(&post(&receiver.url("/"))).await), (None, "200 OK".into()));
    assert_eq!(came(&sender.send(&post(&receiver.url("/"))).await), (None, "201 Created".into()));
}

#[tokio::test]
async fn tls_failures_are_told_in_words_and_nothing_goes_out_in_clear() {
    let (authority, good) = peers::signed(HOST);
    let (self_signed, expired) = (peers::self_signed(HOST), peers::expired(HOST));
    let (_, other) = peers::signed(HOST);
    let trusting = |roots: &[&String]| {
        let extra_roots = roots.iter().map(|pem| peers::der(pem)).collect();
        sender(Options { extra_roots, ..here() })
    };
    let with = |pair: &Pair, clients| peers::server(pair, &["http/1.1"], clients);
    let rows = [
        (with(&good, None), HOST, &authority, None),
        (
            with(&good, None),
            "evil.example",
            &authority,
            Some("The certificate is for another host"),
        ),
        (with(&expired, None), HOST, &expired.certificate, Some("The certificate has expired")),
        (
            with(&self_signed, None),
            HOST,
            &authority,
            Some("The certificate is self-signed or from an unknown authority"),
        ),
        (
            with(&other, None),
            HOST,
            &authority,
            Some("The certificate is self-signed or from an unknown authority"),
        ),
        (
            with(&good, Some(&authority)),
            HOST,
            &authority,
            Some("The endpoint requires a client certificate"),
        ),
    ];
    for (config, host, root, words) in rows {
        let address = receiver::tls(config).await;
        let url = format!("https://{host}:{}/", address.port());
        let outcome = trusting(&[root]).send(&post(&url)).await;
        match words {
            None => assert_eq!(came(&outcome), (None, "200 OK".to_owned())),
            Some(words) => {
                assert_eq!(came(&outcome), (Some(ErrorClass::Tls), words.to_owned()), "{host}");
            }
        }
    }
    // A peer of the last century answers the greeting with an alert.
    let alert = Receiver::raw(b"\x15\x03\x01\x00\x02\x02\x46".to_vec()).await;
    let plain = Receiver::raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    for (address, words) in [(alert, "only an old version of TLS"), (plain, "does not speak TLS")] {
        let url = format!("https://{HOST}:{}/", address.port());
        let (class, message) = came(&trusting(&[]).send(&post(&url)).await);
        assert_eq!(class, Some(ErrorClass::Tls), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_client_certificate_opens_the_door_and_is_shown_nowhere_else() {
    let (authority, good) = peers::signed(HOST);
    let (clients, client) = peers::signed("client.example");
    let address = receiver::tls(peers::server(&good, &["http/1.1"], Some(&clients))).await;
    let sender = sender(here());
    let identity = |pair: &Pair| {
        let shown = (pair.certificate.as_str(), pair.key.as_str());
        sender.identity(Some(&authority), Some(shown)).unwrap()
    };
    let mut request = post(&format!("https://{HOST}:{}/", address.port()));
    request.identity = identity(&client);
    assert_eq!(came(&sender.send(&request).await).0, None);
    // The pooled connection belongs to that identity alone.
    request.identity = sender.identity(Some(&authority), None).unwrap();
    let (class, message) = came(&sender.send(&request).await);
    assert_eq!(class, Some(ErrorClass::Tls), "{message}");
    request.identity = identity(&peers::self_signed("stranger.example"));
    let (class, message) = came(&sender.send(&request).await);
    assert_eq!((class, message.contains("client certificate")), (Some(ErrorClass::Tls), true));

    let refused = |pair: (&str, &str)| sender.identity(None, Some(pair)).unwrap_err();
    assert!(refused((&client.certificate, &good.key)).contains("does not belong"));
    assert!(refused(("nothing", &good.key)).contains("must be PEM"));
    assert!(refused((&client.certificate, "nothing")).contains("must be PEM"));
    assert!(sender.identity(Some("nothing"), None).unwrap_err().contains("must be PEM"));
}

#[tokio::test]
async fn http2_peers_may_reset_end_and_stall_without_poisoning_the_pool() {
    let (authority, pair) = peers::signed(HOST);
    let config = peers::server(&pair, &["h2", "http/1.1"], None);
    let trusting = || sender(Options { extra_roots: vec![peers::der(&authority)], ..here() });
    let url = |server: &Http2| format!("https://{HOST}:{}/hook?a=b", server.address.port());

    let plain = Http2::start(config.clone(), None, |_| Stream::Ok("fine")).await;
    let sender = trusting();
    for _ in 0..3 {
        let outcome = sender.send(&post(&url(&plain))).await;
        assert_eq!(came(&outcome), (None, "200 OK".to_owned()));
        assert_eq!(outcome.response.unwrap().text(), "fine");
    }
    assert_eq!((plain.connections(), plain.requests()), (1, 3), "one connection serves all");

    let reset = Http2::start(config.clone(), None, |n| match n {
        0 => Stream::Reset(h2::Reason::INTERNAL_ERROR),
        _ => Stream::Ok("fine"),
    })
    .await;
    let (class, message) = came(&sender.send(&post(&url(&reset))).await);
    assert_eq!(class, Some(ErrorClass::Reset), "{message}");
    assert!(message.contains("INTERNAL_ERROR"), "{message}");
    assert_eq!(came(&sender.send(&post(&url(&reset))).await).0, None);

    let ends = Http2::start(config.clone(), None, |_| Stream::OkThenGoAway("last")).await;
    for _ in 0..3 {
        assert_eq!(came(&sender.send(&post(&url(&ends))).await), (None, "200 OK".to_owned()));
    }
    assert_eq!(ends.requests(), 3, "nothing was sent twice");

    let refuses = Http2::start(config.clone(), None, |n| match n {
        1 => Stream::Reset(h2::Reason::REFUSED_STREAM),
        _ => Stream::Ok("fine"),
    })
    .await;
    for _ in 0..2 {
        assert_eq!(came(&sender.send(&post(&url(&refuses))).await).0, None);
    }
    assert_eq!(refuses.requests(), 3, "the refused stream was not begun, so it went out again");

    // No window for the body, and no answer: the deadline frees the slot, the next one is fine.
    let stalls = Http2::start(config.clone(), Some(0), |n| match n {
        0 => Stream::Hang,
        _ => Stream::Ok("fine"),
    })
    .await;
    let (class, message) = came(&sender.send(&post(&url(&stalls))).await);
    assert_eq!(class, Some(ErrorClass::Timeout), "{message}");
    assert_eq!(came(&sender.send(&post(&url(&stalls))).await).0, None);
    assert_eq!(stalls.connections(), 2, "who hung once is not asked on the same connection");
}

#[tokio::test]
async fn an_egress_proxy_is_asked_for_judged_addresses_and_blamed_for_its_own_failures() {
    let receiver = Receiver::always(Answer::Status(200, "through")).await;
    let port = receiver.address.port();
    let through = |proxy: std::net::SocketAddr, resolves: bool, options: Options| {
        let url = format!("http://ann:secret@{proxy}");
        sender(Options { proxy: Some(Proxy::parse(&url, resolves).unwrap()), ..options })
    };
    let url = format!("http://{HOST}:{port}/");
    let (proxy, mut asked) = peers::proxy(Tunnel::Open(receiver.address)).await;
    assert_eq!(came(&through(proxy, false, here()).send(&post(&url)).await).0, None);
    let head = asked.recv().await.unwrap();
    assert!(head.starts_with(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n")), "{head}");
    assert!(head.contains("Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n"), "{head}");
    let hit = &receiver.hits()[0];
    assert_eq!(hit.header("host"), Some(format!("{HOST}:{port}").as_str()));
    assert_eq!(hit.header("proxy-authorization"), None);

    // The guard holds: a private answer never reaches the proxy.
    let private = Options { resolve: Some(resolves(&["10.0.0.1"])), ..allowing(&[]) };
    let (class, _) = came(&through(proxy, false, private).send(&post(&url)).await);
    assert_eq!(class, Some(ErrorClass::Blocked));
    let literal = format!("http://10.0.0.1:{port}/");
    let (class, _) = came(&through(proxy, true, allowing(&[])).send(&post(&literal)).await);
    assert_eq!(class, Some(ErrorClass::Blocked), "also when the proxy resolves names");
    assert!(asked.try_recv().is_err());
    // With a proxy that resolves, it gets the name.
    assert_eq!(came(&through(proxy, true, allowing(&[])).send(&post(&url)).await).0, None);
    let head = asked.recv().await.unwrap();
    assert!(head.starts_with(&format!("CONNECT {HOST}:{port} HTTP/1.1\r\n")), "{head}");

    let refuses = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let rows = [
        (Tunnel::Answer(refuses), "refused 127.0.0.1"),
        (Tunnel::Answer("HTTP/1.1 502 Bad Gateway\r\n\r\n"), "502 Bad Gateway"),
        (Tunnel::Answer("SSH-2.0-OpenSSH\r\n\r\n"), "did not answer CONNECT"),
        (Tunnel::Close, "during CONNECT"),
        (Tunnel::Hang, "while asking the egress proxy"),
    ];
    for (tunnel, words) in rows {
        let (proxy, _asked) = peers::proxy(tunnel).await;
        let (class, message) = came(&through(proxy, false, here()).send(&post(&url)).await);
        assert_eq!(class, Some(ErrorClass::Proxy), "{tunnel:?}: {message}");
        assert!(message.contains(words) && !message.contains("secret"), "{tunnel:?}: {message}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let (class, message) = came(&through(gone, false, here()).send(&post(&url)).await);
    assert_eq!((class, message.contains("cannot be reached")), (Some(ErrorClass::Proxy), true));
}

#[tokio::test]
async fn answers_of_the_resolver_may_change_and_be_slow_or_of_one_family() {
    let receiver = Receiver::always(Answer::Status(200, "ok")).await;
    let url = format!("http://{HOST}:{}/", receiver.address.port());
    let asked = Arc::new(AtomicUsize::new(0));
    let changing: Resolve = {
        let asked = asked.clone();
        Arc::new(move |_: &str| {
            let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            let address: IpAddr = if first { [127, 0, 0, 1] } else { [10, 0, 0, 1] }.into();
            Box::pin(async move { Ok(vec![address]) })
        })
    };
    let options = Options { resolve: Some(changing), ..allowing(&["127.0.0.0/8"]) };
    let sender = Sender::new(Runtime::system(), options).unwrap();
    assert_eq!(came(&sender.send(&post(&url)).await).0, None);
    // The pooled connection stays where it was judged; a new one is judged anew.
    let second = sender.send(&post(&url)).await;
    assert_eq!((came(&second).0, second.trace.reused), (None, true));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let request = post(&url);
    let (one, two) = tokio::join!(sender.send(&request), sender.send(&request));
    let classes = [came(&one).0, came(&two).0];
    assert!(classes.contains(&None) && classes.contains(&Some(ErrorClass::Blocked)), "{classes:?}");

    let slow: Resolve = Arc::new(|_: &str| Box::pin(std::future::pending()));
    let (class, message) =
        came(&self::sender(Options { resolve: Some(slow), ..here() }).send(&post(&url)).await);
    assert_eq!(class, Some(ErrorClass::Timeout));
    assert!(message.contains("while resolving the name"), "{message}");
    let empty = Options { resolve: Some(resolves(&[])), ..here() };
    let (class, message) = came(&self::sender(empty).send(&post(&url)).await);
    assert_eq!((class, message.contains("has no address")), (Some(ErrorClass::Dns), true));
    let six = Options { resolve: Some(resolves(&["::1"])), ..allowing(&["::1/128"]) };
    let (class, message) = came(&self::sender(six).send(&post(&url)).await);
    assert_eq!(class, Some(ErrorClass::Connect), "{message}");
    let private = Options { resolve: Some(resolves(&["fd00::1"])), ..allowing(&[]) };
    assert_eq!(came(&self::sender(private).send(&post(&url)).await).0, Some(ErrorClass::Blocked));
}

fn hex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// 64 MiB of zeros.
const BROTLI_BOMB: &str = concat!(
    "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeff",
    "ffc13f0110870500baf77ffcffff837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe",
    "0980382c00d0bdffcbffff3ffc1300715800a07bff07",
);
