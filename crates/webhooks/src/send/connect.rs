//! Connections: resolve once, judge every answer, connect to a judged address, TLS.
//!
//! A name is resolved here and nowhere else, and the socket is opened to the very address that was
//! judged, so an answer that changes between check and use has no effect. One bad address among
//! the answers refuses the name.

use super::meter::{Allowance, Metered};
use super::pool::{Connection, Endpoint, Protocol};
use super::proxy::Proxy;
use super::tls::{self, Identity};
use super::{Failure, Options, Phase, Trace};
use crate::guard::Guard;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use model::job::ErrorClass;
use runtime::Runtime;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

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
    proxy: Option<Proxy>,
    roots: Arc<RootCertStore>,
    usual: Identity,
}

/// Spawns what HTTP/2 does in the background through the runtime.
#[derive(Clone)]
struct Spawner(Runtime);

impl<F> hyper::rt::Executor<F> for Spawner
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

impl Connector {
    pub(crate) fn new(runtime: &Runtime, options: &Options) -> Result<Self, Failure> {
        let failed =
            |e: rustls::Error| Failure::new(ErrorClass::Tls, format!("TLS cannot be set up: {e}"));
        let roots = Arc::new(tls::roots(&options.extra_roots).map_err(failed)?);
        Ok(Self {
            runtime: runtime.clone(),
            guard: options.guard.clone(),
            resolve: options.resolve.clone(),
            proxy: options.proxy.clone(),
            usual: tls::usual(&roots).map_err(failed)?,
            roots,
        })
    }

    /// What every connection trusts.
    pub(crate) fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    /// Connects to an endpoint and starts HTTP on the connection: HTTP/2 where TLS agrees on it.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        identity: Option<&Identity>,
        trace: &mut Trace,
    ) -> Result<Connection, Failure> {
        let (stream, address) = self.stream(endpoint, trace).await?;
        let protocol = if endpoint.tls {
            let connector = &identity.unwrap_or(&self.usual).connector;
            let stream = self.encrypt(stream, endpoint, connector, trace).await?;
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                self.http2(stream).await?
            } else {
                self.http1(stream).await?
            }
        } else {
            self.http1(stream).await?
        };
        Ok(Connection::new(protocol, address))
    }

    /// Connects to a judged address of an endpoint, through the proxy if there is one. The address
    /// is not known when the proxy resolves.
    pub(crate) async fn stream(
        &self,
        endpoint: &Endpoint,
        trace: &mut Trace,
    ) -> Result<(TcpStream, Option<SocketAddr>), Failure> {
        let (stream, address) = match &self.proxy {
            Some(proxy) => self.through(proxy, endpoint, trace).await?,
            None => {
                let addresses = self.judged(endpoint, trace).await?;
                trace.phase = Phase::Connecting;
                let began = self.runtime.elapsed();
                let (stream, address) = self.open(&addresses).await?;
                trace.connect = Some(self.runtime.elapsed().saturating_sub(began));
                (stream, Some(address))
            }
        };
        trace.address = address;
        Ok((stream, address))
    }

    /// Negotiates TLS, for which the endpoint has to show that it is the host that was meant.
    async fn encrypt(
        &self,
        stream: TcpStream,
        endpoint: &Endpoint,
        connector: &TlsConnector,
        trace: &mut Trace,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        trace.phase = Phase::Tls;
        let began = self.runtime.elapsed();
        let name = ServerName::try_from(endpoint.host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| Failure::new(ErrorClass::Tls, "The host is no name for TLS"))?;
        let stream = connector.connect(name, stream).await.map_err(|e| tls::failure(&e))?;
        trace.tls = Some(self.runtime.elapsed().saturating_sub(began));
        Ok(stream)
    }

    /// As [`Connector::encrypt`], for a protocol other than HTTP.
    pub(crate) async fn encrypt_for(
        &self,
        protocol: &[u8],
        stream: TcpStream,
        (endpoint, identity): (&Endpoint, Option<&Identity>),
        trace: &mut Trace,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let connector = identity.unwrap_or(&self.usual).offering(protocol);
        self.encrypt(stream, endpoint, &connector, trace).await
    }

    /// Judges an address again, for a connection that is reused.
    pub(crate) fn judge(&self, endpoint: &Endpoint, address: SocketAddr) -> Result<(), Failure> {
        self.guard
            .judge_socket(address, endpoint.purpose)
            .map_err(|refusal| Failure::new(ErrorClass::Blocked, refusal.to_string()))
    }

    /// Resolves an endpoint and has every answer judged.
    async fn judged(
        &self,
        endpoint: &Endpoint,
        trace: &mut Trace,
    ) -> Result<Vec<SocketAddr>, Failure> {
        trace.phase = Phase::Resolving;
        let found = self.resolve(endpoint, trace).await?;
        let addresses: Vec<_> =
            found.into_iter().map(|ip| SocketAddr::new(ip, endpoint.port)).collect();
        for address in &addresses {
            self.judge(endpoint, *address)?;
        }
        Ok(addresses)
    }

    /// Opens a tunnel through the proxy, to a judged address unless the proxy resolves.
    async fn through(
        &self,
        proxy: &Proxy,
        endpoint: &Endpoint,
        trace: &mut Trace,
    ) -> Result<(TcpStream, Option<SocketAddr>), Failure> {
        let is_literal = endpoint.host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let (target, address) = if proxy.resolves && !is_literal {
            (format!("{}:{}", endpoint.host, endpoint.port), None)
        } else {
            let address = self.judged(endpoint, trace).await?.first().copied();
            let address = address.ok_or_else(|| {
                Failure::new(ErrorClass::Dns, "There is no address to connect to")
            })?;
            (address.to_string(), Some(address))
        };
        trace.phase = Phase::Proxy;
        let began = self.runtime.elapsed();
        let found = tokio::net::lookup_host((proxy.host.as_str(), proxy.port)).await;
        let found: Vec<_> = found.map_err(|error| proxy.unreachable(&error.to_string()))?.collect();
        let opened = self.open(&found).await;
        let (mut stream, _) = opened.map_err(|failure| proxy.unreachable(&failure.message))?;
        proxy.tunnel(&mut stream, &target).await?;
        trace.connect = Some(self.runtime.elapsed().saturating_sub(began));
        Ok((stream, address))
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

    async fn open(&self, addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Failure> {
        let mut last = Failure::new(ErrorClass::Connect, "There is no address to connect to");
        for address in addresses.iter().take(ADDRESSES_MAX) {
            #[expect(clippy::disallowed_methods, reason = "the one place that connects")]
            let connecting = TcpStream::connect(*address);
            let result = tokio::select! {
                biased;
                result = connecting => result,
                () = self.runtime.pause(CONNECT) => Err(io::ErrorKind::TimedOut.into()),
            };
            match result {
                Ok(stream) => {
                    // Small requests are sent at once; a failure here only costs latency.
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, *address));
                }
                Err(error) => {
                    let message = format!("Cannot connect to {address}: {}", io_words(&error));
                    last = Failure::new(ErrorClass::Connect, message);
                }
            }
        }
        Err(last)
    }

    async fn http1<S>(&self, stream: S) -> Result<Protocol, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let allowance = Allowance::default();
        allowance.begin();
        let stream = Metered { inner: stream, allowance: allowance.clone() };
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(not_started)?;
        self.drive(connection);
        Ok(Protocol::Http1(sender, allowance))
    }

    async fn http2<S>(&self, stream: S) -> Result<Protocol, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http2::Builder::new(Spawner(self.runtime.clone()))
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(not_started)?;
        self.drive(connection);
        Ok(Protocol::Http2(sender))
    }

    /// Drives a connection until its senders are dropped; the drain bounds what is under way at
    /// the stop.
    fn drive(&self, connection: impl Future + Send + 'static) {
        let runtime = self.runtime.clone();
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
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn not_started(error: hyper::Error) -> Failure {
    Failure::new(ErrorClass::Protocol, format!("HTTP cannot start: {error}"))
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
