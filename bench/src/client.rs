//! A client over one kept-alive HTTP/1.1 connection; a load generator holds one for each caller.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The administrator that the benchmark's server starts with.
pub(crate) const USERNAME: &str = "bench";
/// Its password.
pub(crate) const PASSWORD: &str = "benchmark";
/// `bench:benchmark` as basic authentication writes it.
const AUTHORIZATION: &str = "Basic YmVuY2g6YmVuY2htYXJr";

/// One connection to one address.
pub(crate) struct Client {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Client> {
        Ok(Client { address, sender: open(address).await? })
    }

    /// Sends a request and reads the whole answer. Connects again when the peer closed the
    /// connection in between.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes)> {
        if self.sender.ready().await.is_err() {
            self.sender = open(self.address).await?;
        }
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, AUTHORIZATION)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Sends JSON and reads JSON; anything but 200 is an error that shows the answer.
    pub(crate) async fn call(&mut self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let sent = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let (status, answer) = self.send(method.clone(), path, sent).await?;
        if status != StatusCode::OK {
            bail!("{method} {path} answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        serde_json::from_slice(&answer).with_context(|| format!("{method} {path} answered no JSON"))
    }

    /// Reads JSON.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, &Value::Null).await
    }

    /// Sends JSON by POST and reads JSON.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, body).await
    }
}

async fn open(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream =
        TcpStream::connect(address).await.with_context(|| format!("cannot reach {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
