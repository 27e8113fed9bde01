//! Peers for the sender's tests: certificates, TLS and HTTP/2 servers, an egress proxy.

use bytes::Bytes;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key, PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A certificate for `name` made by the `openssl` command, signed by itself.
pub(crate) fn self_signed(name: &str) -> Pair {
    openssl(&format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c \
         -days 30 -subj /CN=test -addext subjectAltName=DNS:{name} \
         -addext basicConstraints=critical,CA:FALSE"
    ))
}

/// The same, out of date since yesterday.
pub(crate) fn expired(name: &str) -> Pair {
    openssl(&format!(
        "printf 'subjectAltName=DNS:{name}\\nbasicConstraints=critical,CA:FALSE' > e && \
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out r \
         -subj /CN=test && openssl x509 -req -in r -signkey k -days -1 -extfile e -out c"
    ))
}

/// An authority, and a certificate for `name` that it signed.
pub(crate) fn signed(name: &str) -> (String, Pair) {
    let pair = openssl(&format!(
        "printf 'subjectAltName=DNS:{name}\\nbasicConstraints=critical,CA:FALSE' > e && \
         openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ak -out a \
         -days 30 -subj /CN=authority-$$ && \
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out r \
         -subj /CN=test && \
         openssl x509 -req -in r -CA a -CAkey ak -CAcreateserial -days 30 -extfile e -out own && \
         cat own a > c"
    ));
    let certificates: Vec<&str> =
        pair.certificate.split_inclusive("-----END CERTIFICATE-----").collect();
    let (own, authority) = (certificates[0].to_owned(), certificates[1].to_owned());
    (authority, Pair { certificate: own, key: pair.key })
}

fn openssl(script: &str) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder.path()).output();
    let output = output.expect("the openssl command makes the tests' certificates");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    Pair { certificate: read("c"), key: read("k") }
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().as_ref().to_vec()
}

/// A server's configuration; with `clients`, it asks for a certificate of that authority.
pub(crate) fn server(pair: &Pair, alpn: &[&str], clients: Option<&str>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(der(authority).into()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// What an HTTP/2 server does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// 200 with this body.
    Ok(&'static str),
    /// Resets the stream.
    Reset(h2::Reason),
    /// Answers, then ends the connection with GOAWAY.
    OkThenGoAway(&'static str),
    /// Never answers.
    Hang,
}

/// A running HTTP/2 server over TLS.
pub(crate) struct Http2 {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Http2 {
    /// Starts one; the script gets the number of the request. `window` is what it lets a request's
    /// body have before it is asked for more, which never happens.
    pub(crate) async fn start(
        config: Arc<ServerConfig>,
        window: Option<u32>,
        script: impl Fn(usize) -> Stream + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (server.connections.clone(), server.requests.clone());
        let script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let acceptor = TlsAcceptor::from(config.clone());
                tokio::spawn(serve(stream, acceptor, window, requests.clone(), script.clone()));
            }
        });
        server
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    window: Option<u32>,
    requests: Arc<AtomicUsize>,
    script: Arc<impl Fn(usize) -> Stream>,
) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let mut builder = h2::server::Builder::new();
    if let Some(window) = window {
        builder.initial_window_size(window);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let mut hanging = Vec::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let number = requests.fetch_add(1, Ordering::SeqCst);
        let mut ok = |body: &'static str| {
            let mut sending = respond.send_response(http::Response::new(()), false).unwrap();
            sending.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        };
        match script(number) {
            Stream::Ok(body) => ok(body),
            Stream::OkThenGoAway(body) => {
                ok(body);
                connection.graceful_shutdown();
            }
            Stream::Reset(reason) => respond.send_reset(reason),
            Stream::Hang => hanging.push((request, respond)),
        }
    }
}

/// What a proxy does when it is asked for a tunnel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tunnel {
    /// Opens it to this address, whatever was asked for.
    Open(SocketAddr),
    /// Answers this instead.
    Answer(&'static str),
    /// Closes the connection.
    Close,
    /// Never answers.
    Hang,
}

/// Starts a proxy; what it was asked comes out of the channel.
pub(crate) async fn proxy(
    tunnel: Tunnel,
) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = asked.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let _ = asked.send(String::from_utf8(head).unwrap());
                match tunnel {
                    Tunnel::Open(address) => {
                        let mut outside = TcpStream::connect(address).await.unwrap();
                        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut outside).await;
                    }
                    Tunnel::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                    Tunnel::Close => {}
                    Tunnel::Hang => std::future::pending().await,
                }
            });
        }
    });
    (address, receiver)
}
