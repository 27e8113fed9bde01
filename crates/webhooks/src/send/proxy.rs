//! The egress proxy: every connection is a tunnel that it opens (HTTP CONNECT).
//!
//! Names are resolved and judged here all the same, and the proxy is asked for the judged address,
//! so the guard holds as it does without a proxy. Only when the operator says that the proxy
//! resolves does it get names; then its own rules have to keep private addresses out, and the guard
//! judges literal addresses alone.

use super::{Failure, connect::io_words};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::job::ErrorClass;
use std::fmt;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::Url;

/// Bytes of the proxy's answer to CONNECT.
const ANSWER_BYTES_MAX: usize = 8 * 1024;

/// The proxy that all requests go through.
#[derive(Clone)]
pub struct Proxy {
    /// Its name or address.
    pub(crate) host: String,
    pub(crate) port: u16,
    authorization: Option<String>,
    /// Whether it gets names to resolve instead of judged addresses.
    pub(crate) resolves: bool,
}

impl Proxy {
    /// Reads `http://user:password@proxy:3128`; `resolves` lets the proxy resolve names.
    ///
    /// # Errors
    /// What is wrong with the URL, without its password.
    pub fn parse(text: &str, resolves: bool) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("is not a URL: {error}"))?;
        if url.scheme() != "http" {
            return Err("must begin with http://; the connection to the proxy is plain".to_owned());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("has no host")?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err("must have no path".to_owned());
        }
        let decode = |text: &str| -> String {
            let pairs = format!("x={}", text.replace('+', "%2B"));
            let decoded = url::form_urlencoded::parse(pairs.as_bytes()).next();
            decoded.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let authorization = (!url.username().is_empty()).then(|| {
            let (name, password) = (url.username(), url.password().unwrap_or_default());
            STANDARD.encode(format!("{}:{}", decode(name), decode(password)))
        });
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(80),
            authorization,
            resolves,
        })
    }

    /// Asks the proxy for a tunnel to `target` (`host:port`).
    ///
    /// # Errors
    /// Class `proxy`, with the proxy's own words.
    pub(crate) async fn tunnel<S>(&self, stream: &mut S, target: &str) -> Result<(), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str(&format!("Proxy-Authorization: Basic {authorization}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| self.broken(&error))?;
        let head = self.answer(stream).await?;
        let line = head.lines().next().unwrap_or_default();
        let mut words = line.splitn(3, ' ');
        let (version, status) = (words.next().unwrap_or_default(), words.next());
        match status.and_then(|status| status.parse::<u16>().ok()) {
            Some(200..=299) if version.starts_with("HTTP/1.") => Ok(()),
            Some(status) if version.starts_with("HTTP/1.") => {
                let said: String = words.next().unwrap_or_default().chars().take(100).collect();
                Err(self.failure(&format!("refused {target}: {status} {said}")))
            }
            _ => Err(self.failure("did not answer CONNECT with HTTP/1.1")),
        }
    }

    async fn answer<S: AsyncRead + Unpin>(&self, stream: &mut S) -> Result<String, Failure> {
        let mut head = Vec::new();
        // One byte at a time, so that nothing of what follows the answer is taken.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= ANSWER_BYTES_MAX {
                return Err(self.failure("answered CONNECT with too long a head"));
            }
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(error) => return Err(self.broken(&error)),
            }
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    /// A connection to the proxy that could not be made.
    pub(crate) fn unreachable(&self, why: &str) -> Failure {
        self.failure(&format!("cannot be reached: {why}"))
    }

    fn broken(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.failure("closed the connection during CONNECT"),
            _ => self.failure(&format!("failed during CONNECT: {}", io_words(error))),
        }
    }

    fn failure(&self, what: &str) -> Failure {
        let message = format!("The egress proxy {}:{} {what}", self.host, self.port);
        Failure::new(ErrorClass::Proxy, message)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read_strictly() {
        let proxy = Proxy::parse("http://ann:p%40ss@proxy.example:3128", false).unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example", 3128));
        assert_eq!(proxy.authorization.as_deref(), Some(STANDARD.encode("ann:p@ss").as_str()));
        assert_eq!(Proxy::parse("http://[::1]/", false).unwrap().host, "::1");
        for bad in ["", "proxy:3128", "https://proxy/", "socks5://proxy/", "http://proxy/path"] {
            assert!(Proxy::parse(bad, false).is_err(), "{bad}");
        }
        assert!(!format!("{proxy:?}").contains("p@ss"));
    }
}
