//! Connections: resolve once, judge every answer, connect to a judged address, TLS.
//!
//! A name is resolved here and nowhere else, and the socket is opened to the very address that was
//! judged, so an answer that changes between check and use has no effect. One bad address among
//! the answers refuses the name.

use super::pool::{Connection, Endpoint};
use super::{Failure, Options, Phase, Trace};
use crate::guard::Guard;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use model::job::ErrorClass;
use runtime::Runtime;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// The answers of a resolver.
pub type Resolved = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// A resolver of names.
pub type Resolve = Arc<dyn Fn(&str) -> Resolved + Send + Sync>;

/// Time one address gets before the next one is tried; the total deadline holds besides.
const CONNECT: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Bytes of an answer's head; floods of headers end here.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Headers of one answer.
const HEADERS_MAX: usize = 100;
/// How long requests under way may take after the process was asked to stop.
const DRAIN: Duration = Duration::from_secs(60);

pub(crate) struct Connector {
    runtime: Runtime,
    guard: Guard,
    resolve: Option<Resolve>,
    tls: tokio_rustls::TlsConnector,
}

impl Connector {
    pub(crate) fn new(runtime: &Runtime, options: &Options) -> Result<Self, Failure> {
        let tls = tls_config(&options.extra_roots)
            .map_err(|e| Failure::new(ErrorClass::Tls, format!("TLS cannot be set up: {e}")))?;
        Ok(Self {
            runtime: runtime.clone(),
            guard: options.guard.clone(),
            resolve: options.resolve.clone(),
            tls: tokio_rustls::TlsConnector::from(Arc::new(tls)),
        })
    }

    /// Connects to an endpoint and starts HTTP/1.1 on the connection.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        trace: &mut Trace,
    ) -> Result<Connection, Failure> {
        trace.phase = Phase::Resolving;
        let addresses = self.resolve(endpoint, trace).await?;
        for address in &addresses {
            self.judge(endpoint, *address)?;
        }
        trace.phase = Phase::Connecting;
        let began = self.runtime.elapsed();
        let (stream, address) = self.open(endpoint, &addresses).await?;
        trace.connect = Some(self.runtime.elapsed().saturating_sub(began));
        trace.address = Some(address);
        let sender = if endpoint.tls {
            trace.phase = Phase::Tls;
            let began = self.runtime.elapsed();
            let name = ServerName::try_from(endpoint.host.trim_matches(['[', ']']).to_owned())
                .map_err(|_| Failure::new(ErrorClass::Tls, "The host is no name for TLS"))?;
            let stream = self.tls.connect(name, stream).await.map_err(|e| tls_failure(&e))?;
            trace.tls = Some(self.runtime.elapsed().saturating_sub(began));
            self.handshake(stream).await?
        } else {
            self.handshake(stream).await?
        };
        Ok(Connection { sender, address })
    }

    /// Judges an address again, for a connection that is reused.
    pub(crate) fn judge(&self, endpoint: &Endpoint, address: IpAddr) -> Result<(), Failure> {
        self.guard
            .judge_socket(SocketAddr::new(address, endpoint.port), endpoint.purpose)
            .map_err(|refusal| Failure::new(ErrorClass::Blocked, refusal.to_string()))
    }

    async fn resolve(
        &self,
        endpoint: &Endpoint,
        trace: &mut Trace,
    ) -> Result<Vec<IpAddr>, Failure> {
        let host = endpoint.host.trim_matches(['[', ']']);
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![address]);
        }
        let began = self.runtime.elapsed();
        let answers = match &self.resolve {
            Some(resolve) => resolve(host).await,
            None => tokio::net::lookup_host((host, endpoint.port))
                .await
                .map(|found| found.map(|address| address.ip()).collect::<Vec<_>>()),
        };
        trace.dns = Some(self.runtime.elapsed().saturating_sub(began));
        match answers {
            Ok(answers) if answers.is_empty() => {
                let message = format!("The name {host} has no address");
                Err(Failure::new(ErrorClass::Dns, message))
            }
            Ok(answers) => Ok(answers),
            Err(error) => {
                let message = format!("The name {host} does not resolve: {error}");
                Err(Failure::new(ErrorClass::Dns, message))
            }
        }
    }

    async fn open(
        &self,
        endpoint: &Endpoint,
        addresses: &[IpAddr],
    ) -> Result<(TcpStream, SocketAddr), Failure> {
        let mut last = Failure::new(ErrorClass::Connect, "There is no address to connect to");
        for address in addresses.iter().take(ADDRESSES_MAX) {
            let address = SocketAddr::new(*address, endpoint.port);
            #[expect(clippy::disallowed_methods, reason = "the one place that connects")]
            let connecting = TcpStream::connect(address);
            let result = tokio::select! {
                biased;
                result = connecting => result,
                () = self.runtime.pause(CONNECT) => Err(io::ErrorKind::TimedOut.into()),
            };
            match result {
                Ok(stream) => {
                    // Small requests are sent at once; a failure here only costs latency.
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Err(error) => {
                    let message = format!("Cannot connect to {address}: {}", io_words(&error));
                    last = Failure::new(ErrorClass::Connect, message);
                }
            }
        }
        Err(last)
    }

    async fn handshake<S>(&self, stream: S) -> Result<http1::SendRequest<Full<Bytes>>, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|e| Failure::new(ErrorClass::Protocol, format!("HTTP cannot start: {e}")))?;
        let runtime = self.runtime.clone();
        // Ends when its sender is dropped; the drain bounds what is under way at the stop.
        self.runtime.spawn(async move {
            let stopped = async {
                runtime.stopping().await;
                runtime.pause(DRAIN).await;
            };
            tokio::select! {
                _ = connection => (),
                () = stopped => (),
            }
        });
        Ok(sender)
    }
}

fn tls_config(extra_roots: &[Vec<u8>]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in extra_roots {
        roots.add(CertificateDer::from(root.clone()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn tls_failure(error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    let message = match inner {
        Some(rustls::Error::InvalidCertificate(reason)) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "The certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "The certificate is not valid yet".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "The certificate is for another host".to_owned()
            }
            CertificateError::UnknownIssuer => {
                "The certificate is self-signed or from an unknown authority".to_owned()
            }
            other => format!("The certificate is not valid: {other}"),
        },
        Some(other) => format!("TLS failed: {other}"),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "TLS failed: the connection was closed during the handshake".to_owned()
            }
            _ => format!("TLS failed: {}", io_words(error)),
        },
    };
    Failure::new(ErrorClass::Tls, message)
}

/// An I/O error in words that say more than its number.
pub(crate) fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut => "no answer to the connection".to_owned(),
        io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        _ => error.to_string(),
    }
}
