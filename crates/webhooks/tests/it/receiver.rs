//! A receiver on a real socket that answers from a script and records what it got.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    /// Request line and headers.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Hit {
    /// A header's value, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What the receiver does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A status with a body.
    Status(u16, &'static str),
    /// These bytes exactly; the connection stays open.
    Raw(Vec<u8>),
    /// These bytes exactly, then the connection is closed.
    RawThenClose(Vec<u8>),
    /// These bytes exactly, then the connection is reset.
    RawThenReset(Vec<u8>),
    /// Nothing, for ever.
    Hang,
    /// A head, then one byte of body at a time for ever.
    Drip,
    /// A head, then body without end.
    Endless,
    /// These bytes, one every 20 ms.
    Trickle(Vec<u8>),
    /// The first bytes, then the second ones again and again.
    Flood(Vec<u8>, Vec<u8>),
}

type Script = Arc<dyn Fn(usize, &Hit) -> Answer + Send + Sync>;

/// A running receiver.
pub(crate) struct Receiver {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    hits: Arc<Mutex<Vec<Hit>>>,
    count: watch::Sender<usize>,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    /// Starts a receiver; the script gets the number of the request, from 0, and the request.
    pub(crate) async fn start(
        script: impl Fn(usize, &Hit) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            hits: Arc::default(),
            count: watch::Sender::new(0),
            connections: Arc::default(),
        };
        let (hits, count) = (receiver.hits.clone(), receiver.count.clone());
        let connections = receiver.connections.clone();
        let script: Script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (hits, count, script) = (hits.clone(), count.clone(), script.clone());
                tokio::spawn(async move {
                    serve(stream, number, |hit| {
                        let mut hits = hits.lock().unwrap();
                        hits.push(hit);
                        let index = hits.len() - 1;
                        count.send_replace(hits.len());
                        script(index, &hits[index])
                    })
                    .await;
                });
            }
        });
        receiver
    }

    /// Always the same answer.
    pub(crate) async fn always(answer: Answer) -> Self {
        Self::start(move |_, _| answer.clone()).await
    }

    /// Sends these bytes to whoever connects, whatever they say.
    pub(crate) async fn raw(bytes: Vec<u8>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut greeting = [0; 1024];
                let _ = stream.read(&mut greeting).await;
                let _ = stream.write_all(&bytes).await;
                let _ = stream.read(&mut greeting).await;
            }
        });
        address
    }

    /// The URL of a path on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything received so far.
    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until `n` requests have arrived.
    pub(crate) async fn wait_for(&self, n: usize) {
        self.count.subscribe().wait_for(|count| *count >= n).await.unwrap();
    }
}

async fn serve(mut stream: TcpStream, connection: usize, mut answer: impl FnMut(Hit) -> Answer) {
    while let Some(hit) = read(&mut stream, connection).await {
        if !reply(&mut stream, answer(hit)).await {
            return;
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin), connection: usize) -> Option<Hit> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut hit = Hit { connection, head, body: String::new() };
    let length = hit.header("content-length").map_or(0, |v| v.parse::<usize>().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => body.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
    hit.body = String::from_utf8_lossy(&body).into_owned();
    Some(hit)
}

/// Sends the answer; `false` when the connection is over.
async fn reply(stream: &mut TcpStream, answer: Answer) -> bool {
    match answer {
        Answer::Status(status, body) => {
            let length = body.len();
            let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.is_ok()
        }
        Answer::Raw(bytes) => stream.write_all(&bytes).await.is_ok(),
        Answer::RawThenClose(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            false
        }
        Answer::RawThenReset(bytes) => {
            let _ = stream.write_all(&bytes).await;
            // A zero linger turns the close into a reset.
            #[expect(deprecated, reason = "lingering for zero seconds cannot block")]
            stream.set_linger(Some(std::time::Duration::ZERO)).unwrap();
            false
        }
        Answer::Hang => std::future::pending().await,
        Answer::Drip => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx").await;
            std::future::pending().await
        }
        Answer::Trickle(bytes) => {
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return false;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            std::future::pending().await
        }
        Answer::Flood(first, again) => {
            let _ = stream.write_all(&first).await;
            let again = again.repeat(16 * 1024 / again.len());
            while stream.write_all(&again).await.is_ok() {}
            false
        }
        Answer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let chunk = [b'x'; 16 * 1024];
            while stream.write_all(&chunk).await.is_ok() {}
            false
        }
    }
}

/// Accepts TLS with a certificate nobody signed and answers 200 to whatever gets through.
pub(crate) async fn tls(config: Arc<rustls::ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            let serve: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                while read(&mut stream, 0).await.is_some() {
                    ok(&mut stream).await;
                }
            });
            tokio::spawn(serve);
        }
    });
    address
}

async fn ok(stream: &mut (impl AsyncWrite + Unpin)) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let _ = stream.flush().await;
}
