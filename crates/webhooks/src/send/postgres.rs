//! One statement on a PostgreSQL server: the same guard, deadline and caps as an HTTP exchange.
//!
//! A connection is made for the statement and closed after it. The statement runs in a transaction
//! of its own, which is committed once the whole answer is there and within its caps, so whoever
//! is told of an error knows that nothing happened; only a connection that is lost during the
//! commit leaves that open, and the failure says so. Parameters are bound as text and values come
//! back as text, which the server makes of every type there is.
//!
//! TLS verifies the server, against the connection's own authorities or the public ones. Without
//! authorities of its own a server at an address that is not public, which only the operator can
//! allow, is spoken to in clear: it rarely has a certificate that anybody could verify.

mod values;
mod wire;

use super::exchange::endpoint;
use super::{Failure, Inner, Limits, Phase, Sender, Trace, Trusted, timed_out};
use crate::guard::Guard;
use bytes::BytesMut;
use model::job::ErrorClass;
use model::limits;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::{IsNull, message::frontend};
use runtime::vault::Secret;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::{Fields, Stream, Wire};

/// The name of the protocol that TLS offers.
const ALPN: &[u8] = b"postgresql";
/// Rounds of SCRAM's hash that a server may ask for: common are 4,096, and each takes time.
const SCRAM_ROUNDS_MAX: u32 = 100_000;
/// Errors of the server that are about who asks.
const NOT_AUTHORIZED: [&str; 2] = ["28P01", "28000"];
/// The error of a statement that took too long, and that of one that writes where it must not.
const CANCELED: &str = "57014";
const READ_ONLY: &str = "25006";

/// A statement and where to run it. Not for logs: parameters may hold secrets in clear.
#[derive(Clone)]
pub struct Query {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who asks.
    pub username: String,
    /// The password, for when the server asks for one.
    pub password: Option<Secret>,
    /// The database.
    pub database: String,
    /// One statement, with `$1` and so on for its parameters.
    pub statement: String,
    /// The parameters; `None` is NULL.
    pub parameters: Vec<Option<String>>,
    /// Whether it runs in a transaction that cannot write.
    pub reads_only: bool,
    /// Limits of the exchange; `read_bytes_max` is for the rows as JSON.
    pub limits: Limits,
    /// Whom it trusts besides the public authorities.
    pub identity: Option<Trusted>,
}

/// What a statement answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// What the server did, such as `SELECT` or `INSERT`.
    pub command: String,
    /// How many rows it returned or changed.
    pub count: u64,
    /// The rows: objects of values by column.
    pub rows: Vec<Value>,
}

/// Why a statement has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It could not be asked, or what came back was no answer.
    #[error("{0}")]
    Failed(Failure),
    /// The connection was lost while it was committed: whether it took effect is not known.
    #[error("{0}")]
    Unknown(Failure),
    /// The server refused it; nothing happened.
    #[error("{message}")]
    Sql {
        /// The server's SQLSTATE.
        code: String,
        /// Its words.
        message: String,
    },
}

impl From<Failure> for QueryError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Sender {
    /// Runs one statement within its limits.
    ///
    /// # Errors
    /// Whatever kept the answer from coming.
    pub async fn query(&self, query: &Query) -> Result<Rows, QueryError> {
        let mut trace = Trace::default();
        let total = Duration::from_millis(query.limits.total_ms);
        let result = {
            let exchange = Box::pin(self.inner.query(query, &mut trace));
            tokio::select! {
                biased;
                result = exchange => Some(result),
                () = self.inner.runtime.pause(total) => None,
            }
        };
        result.unwrap_or_else(|| {
            let late = timed_out(trace.phase, query.limits.total_ms);
            let is_unknown = trace.phase == Phase::Committing;
            Err(if is_unknown { QueryError::Unknown(late) } else { late.into() })
        })
    }
}

impl Inner {
    async fn query(&self, query: &Query, trace: &mut Trace) -> Result<Rows, QueryError> {
        let stream = self.open_database(query, trace).await?;
        trace.phase = Phase::Waiting;
        let mut wire = Wire::new(stream);
        sign_in(&mut wire, query).await?;
        wire.expect(query.limits.read_bytes_max);
        begin(&mut wire, query).await?;
        let rows = run(&mut wire, query).await?;
        if !query.reads_only {
            trace.phase = Phase::Committing;
            commit(&mut wire).await?;
        }
        // The server need not wonder where its client went; that it hears this is not needed.
        frontend::terminate(&mut wire.out);
        let _ = wire.flush().await;
        Ok(rows)
    }

    async fn open_database(
        &self,
        query: &Query,
        trace: &mut Trace,
    ) -> Result<Box<dyn Stream>, Failure> {
        let url = self.guard.judge_host(&query.host, query.port);
        let url = url.map_err(|no| Failure::new(ErrorClass::Blocked, no.to_string()))?;
        let identity = query.identity.as_deref();
        let endpoint = endpoint(&url, identity)?;
        let (mut stream, address) = self.connector.stream(&endpoint, trace).await?;
        let is_private = address.is_some_and(|address| !Guard::is_public(address.ip()));
        if is_private && identity.is_none() {
            return Ok(Box::new(stream));
        }
        trace.phase = Phase::Tls;
        if !offers_tls(&mut stream).await? {
            let message = "The server does not offer TLS, which is required of public addresses \
                           and where certificates to trust are set";
            return Err(Failure::new(ErrorClass::Tls, message));
        }
        let who = (&endpoint, identity);
        Ok(Box::new(self.connector.encrypt_for(ALPN, stream, who, trace).await?))
    }
}

async fn offers_tls(stream: &mut TcpStream) -> Result<bool, Failure> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await.map_err(|error| wire::lost(&error))?;
    match stream.read_u8().await.map_err(|error| wire::lost(&error))? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err(wire::malformed()),
    }
}

fn refused(message: impl Into<String>) -> QueryError {
    Failure::new(ErrorClass::Auth, message).into()
}

async fn sign_in(wire: &mut Wire, query: &Query) -> Result<(), QueryError> {
    let parameters = [
        ("user", query.username.as_str()),
        ("database", query.database.as_str()),
        ("client_encoding", "UTF8"),
        ("application_name", "kapok"),
    ];
    frontend::startup_message(parameters, &mut wire.out).map_err(|e| wire::unsendable(&e))?;
    wire.flush().await?;
    let mut scram: Option<ScramSha256> = None;
    loop {
        let (tag, body) = wire.read().await?;
        let mut fields = Fields(&body);
        match tag {
            b'Z' => return Ok(()),
            b'R' => {}
            // The key of a cancellation, which closing the connection makes needless.
            b'K' => continue,
            _ => return Err(wire::malformed().into()),
        }
        let password = || match &query.password {
            Some(secret) if !secret.expose().is_empty() => Ok(secret.expose()),
            _ => Err(refused("The server asks for a password; enter the connection's")),
        };
        match (fields.u32()?, &mut scram) {
            (0, _) => {}
            (3, _) if !wire.is_encrypted() => {
                return Err(refused(
                    "The server asks for the password in clear, on a connection without TLS; \
                     have it use scram-sha-256, or set certificates to trust",
                ));
            }
            (3, _) => wire.password(password()?.as_bytes()).await?,
            (5, _) => {
                let salt = fields.bytes(4)?.try_into().map_err(|_| wire::malformed())?;
                let hash = md5_hash(query.username.as_bytes(), password()?.as_bytes(), salt);
                wire.password(hash.as_bytes()).await?;
            }
            (10, scram) => {
                let offered = std::iter::from_fn(|| fields.text().ok());
                if !offered.take_while(|name| !name.is_empty()).any(|name| name == SCRAM_SHA_256) {
                    return Err(refused("The server offers no way to sign in but unknown ones"));
                }
                let started =
                    ScramSha256::new(password()?.as_bytes(), ChannelBinding::unsupported());
                let sent = frontend::sasl_initial_response(
                    SCRAM_SHA_256,
                    started.message(),
                    &mut wire.out,
                );
                sent.map_err(|e| wire::unsendable(&e))?;
                *scram = Some(started);
                wire.flush().await?;
            }
            (11, Some(scram)) => {
                if rounds(fields.0).is_none_or(|rounds| rounds > SCRAM_ROUNDS_MAX) {
                    return Err(wire::malformed().into());
                }
                scram.update(fields.0).map_err(|_| wire::malformed())?;
                frontend::sasl_response(scram.message(), &mut wire.out)
                    .map_err(|e| wire::unsendable(&e))?;
                wire.flush().await?;
            }
            (12, Some(scram)) => scram.finish(fields.0).map_err(|_| {
                refused("The server does not prove that it knows the password itself")
            })?,
            _ => return Err(refused("The server asks to sign in in a way that is not supported")),
        }
    }
}

/// The rounds that a server's first SCRAM message asks for: `r=…,s=…,i=4096`.
fn rounds(message: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(message).ok()?;
    text.split(',').find_map(|part| part.strip_prefix("i="))?.parse().ok()
}

/// Begins the transaction. What is set ends with it, so that a pooler in between may hand its
/// connection to others.
async fn begin(wire: &mut Wire, query: &Query) -> Result<(), QueryError> {
    let mode = if query.reads_only { "READ ONLY" } else { "READ WRITE" };
    let ms = query.limits.total_ms;
    let text = format!(
        "BEGIN {mode}; \
         SET LOCAL statement_timeout = {ms}; \
         SET LOCAL idle_in_transaction_session_timeout = {ms}; \
         SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'iso_8601'; \
         SET LOCAL TimeZone = 'UTC'; SET LOCAL bytea_output = 'hex'; \
         SET LOCAL extra_float_digits = 1"
    );
    frontend::query(&text, &mut wire.out).map_err(|e| wire::unsendable(&e))?;
    wire.flush().await?;
    while wire.read().await?.0 != b'Z' {}
    Ok(())
}

async fn commit(wire: &mut Wire) -> Result<(), QueryError> {
    frontend::query("COMMIT", &mut wire.out).map_err(|e| wire::unsendable(&e))?;
    let unknown = |error: QueryError| match error {
        QueryError::Failed(failure) => QueryError::Unknown(Failure::new(
            failure.class,
            format!(
                "{}, during the commit: whether the statement took effect is not known",
                failure.message
            ),
        )),
        other => other,
    };
    wire.flush().await.map_err(|failure| unknown(failure.into()))?;
    loop {
        let (tag, body) = wire.read().await.map_err(unknown)?;
        match tag {
            b'Z' => return Ok(()),
            b'C' if body.starts_with(b"ROLLBACK") => {
                let message = "The server rolled the statement back".to_owned();
                return Err(QueryError::Sql { code: "40000".to_owned(), message });
            }
            _ => {}
        }
    }
}

/// Runs the statement and reads its answer.
async fn run(wire: &mut Wire, query: &Query) -> Result<Rows, QueryError> {
    ask(wire, query).map_err(|e| wire::unsendable(&e))?;
    wire.flush().await?;
    let mut answer = Rows { command: String::new(), count: 0, rows: Vec::new() };
    let (mut columns, mut bytes) = (Vec::new(), 0);
    loop {
        let (tag, body) = wire.read().await.map_err(|error| explained(error, query))?;
        let mut fields = Fields(&body);
        match tag {
            b'Z' => return Ok(answer),
            b'T' => columns = described(&mut fields)?,
            b'D' => {
                let row = row(&columns, &mut fields, &mut bytes)?;
                if bytes > query.limits.read_bytes_max {
                    return Err(wire::too_large(query.limits.read_bytes_max).into());
                }
                if answer.rows.len() >= limits::STATEMENT_ROWS_MAX {
                    return Err(too_many_rows());
                }
                answer.rows.push(row);
            }
            b'C' => {
                // `INSERT 0 5`, `SELECT 3`, `CREATE TABLE`.
                let tag = fields.text()?;
                let words = tag.split(' ').take_while(|word| !word.starts_with(char::is_numeric));
                answer.command = words.collect::<Vec<_>>().join(" ");
                let count = tag.rsplit(' ').next().and_then(|count| count.parse().ok());
                answer.count = count.unwrap_or(0);
            }
            // Parsed, bound, nothing to describe, an empty statement.
            b'1' | b'2' | b'n' | b'I' => {}
            b's' => return Err(too_many_rows()),
            b'G' | b'H' | b'W' => {
                let message = "COPY from or to the client is not supported (0A000)".to_owned();
                return Err(QueryError::Sql { code: "0A000".to_owned(), message });
            }
            _ => return Err(wire::malformed().into()),
        }
    }
}

fn too_many_rows() -> QueryError {
    let max = limits::STATEMENT_ROWS_MAX;
    let message = format!("The answer has more than {max} rows; have the statement LIMIT them");
    Failure::new(ErrorClass::TooLarge, message).into()
}

/// Prepares, binds and executes, with everything as text.
fn ask(wire: &mut Wire, query: &Query) -> std::io::Result<()> {
    frontend::parse("", &query.statement, [], &mut wire.out)?;
    let bound = frontend::bind(
        "",
        "",
        [0],
        &query.parameters,
        |parameter, out| match parameter {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        },
        [0],
        &mut wire.out,
    );
    bound.map_err(|error| match error {
        frontend::BindError::Conversion(error) => std::io::Error::other(error),
        frontend::BindError::Serialization(error) => error,
    })?;
    frontend::describe(b'P', "", &mut wire.out)?;
    // One more than there may be tells that there are too many.
    let rows = i32::try_from(limits::STATEMENT_ROWS_MAX + 1).unwrap_or(i32::MAX);
    frontend::execute("", rows, &mut wire.out)?;
    frontend::sync(&mut wire.out);
    Ok(())
}

/// The columns of the answer: name and type of each.
fn described(fields: &mut Fields<'_>) -> Result<Vec<(String, u32)>, QueryError> {
    let count = fields.u16()?;
    let mut columns: Vec<(String, u32)> = Vec::new();
    for _ in 0..count {
        let name = fields.text()?.to_owned();
        // Where the column comes from.
        fields.bytes(6)?;
        let kind = fields.u32()?;
        // Size, modifier and format.
        fields.bytes(8)?;
        if columns.iter().any(|(other, _)| *other == name) {
            let message = format!(
                "Two columns of the answer are called \"{name}\"; name one with AS (42701)"
            );
            return Err(QueryError::Sql { code: "42701".to_owned(), message });
        }
        columns.push((name, kind));
    }
    Ok(columns)
}

/// One row; `bytes` grows by about what it takes as JSON.
fn row(
    columns: &[(String, u32)],
    fields: &mut Fields<'_>,
    bytes: &mut usize,
) -> Result<Value, Failure> {
    if usize::from(fields.u16()?) != columns.len() {
        return Err(wire::malformed());
    }
    let mut row = Map::new();
    for (name, kind) in columns {
        let value = match fields.u32()? {
            u32::MAX => Value::Null,
            length => {
                let text = fields.bytes(usize::try_from(length).map_err(|_| wire::malformed())?)?;
                *bytes += text.len();
                let text = std::str::from_utf8(text).map_err(|_| wire::malformed())?;
                values::json(*kind, text)
            }
        };
        *bytes += name.len() + r#""":"","#.len();
        row.insert(name.clone(), value);
    }
    Ok(Value::Object(row))
}

/// An error of the server, as what it is for the caller.
fn explained(error: QueryError, query: &Query) -> QueryError {
    match error {
        QueryError::Sql { code, message } if code == READ_ONLY && query.reads_only => {
            let message = format!(
                "{message}. What begins with SELECT may only read; begin with WITH or CALL to write"
            );
            QueryError::Sql { code, message }
        }
        other => other,
    }
}

/// What an error of the server is.
fn said(body: &[u8]) -> QueryError {
    let mut fields = Fields(body);
    let mut found = std::collections::BTreeMap::new();
    while let Ok(kind @ 1..) = fields.u8() {
        let Ok(text) = fields.text() else { break };
        found.insert(kind, text.to_owned());
    }
    let get = |kind: u8| found.get(&kind).map(String::as_str).unwrap_or_default();
    let (code, mut message) = (get(b'C'), get(b'M').to_owned());
    if NOT_AUTHORIZED.contains(&code) {
        return refused(format!("The server refuses: {message}"));
    }
    if code == CANCELED {
        let message = format!("The server gave up: {message}");
        return Failure::new(ErrorClass::Timeout, message).into();
    }
    message.push_str(&format!(" ({code}"));
    if !get(b'P').is_empty() {
        message.push_str(&format!(", at character {}", get(b'P')));
    }
    message.push(')');
    for more in [get(b'D'), get(b'H')].into_iter().filter(|more| !more.is_empty()) {
        message.push_str(&format!(". {}", more.trim_end_matches('.')));
    }
    QueryError::Sql { code: code.to_owned(), message }
}

impl Rows {
    /// The answer as outputs see it.
    pub fn body(self) -> Value {
        json!({ "command": self.command, "numRows": self.count, "rows": self.rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_server_keep_their_code() {
        let check = |fields: &[&str]| {
            let body = fields.iter().flat_map(|field| [field.as_bytes(), b"\0"].concat());
            said(&body.chain([0]).collect::<Vec<_>>())
        };
        let all = ["SERROR", "C23505", "Mduplicate key", "DKey (id)=(1) already exists.", "P7"];
        assert_eq!(
            check(&all),
            QueryError::Sql {
                code: "23505".into(),
                message: "duplicate key (23505, at character 7). Key (id)=(1) already exists"
                    .into()
            }
        );
        let class = |error| match error {
            QueryError::Failed(failure) => Some(failure.class),
            _ => None,
        };
        assert_eq!(class(check(&["C28P01", "Mno"])), Some(ErrorClass::Auth));
        assert_eq!(class(check(&["C57014", "Mno"])), Some(ErrorClass::Timeout));
        assert_eq!(class(check(&[])), None);
    }

    #[test]
    fn a_server_says_how_many_rounds_it_wants() {
        assert_eq!(rounds(b"r=abc,s=def==,i=4096"), Some(4_096));
        assert_eq!(rounds(b"r=abc,s=def=="), None);
    }
}
