//! Calling an operation on a database: its statement goes through the guard, and its rows are
//! answered as a body, so that outputs are taken from them as from any other answer.

use super::call::{Answered, Execution, Failed, Sent, Tested, words};
use super::documents;
use super::statement::Statement;
use super::template::{HIDDEN, Values};
use crate::Webhooks;
use crate::send::{Failure, Limits, Query, QueryError, Rows};
use model::connection::Connection;
use model::job::ErrorClass;
use model::limits;
use serde_json::{Map, Value};
use std::time::Duration;

/// The class of what a database refuses.
const SQL: &str = "sql";
/// The status of a statement's answer, for outputs that look at it.
const OK: u16 = 200;

impl Webhooks {
    /// Runs the statement of an operation.
    pub(super) async fn call_statement(
        &self,
        connection: &Connection,
        statement: &Statement,
        execution: &Execution,
    ) -> Result<(Sent, Answered), Failed> {
        let secrets = self.secrets_of(connection)?;
        let inputs = &execution.inputs;
        let wrong = |why: String| Failed::new("inputs", why);
        let parameters = statement.render(&Values { inputs, secrets: &secrets.clear });
        let shown = statement.render(&Values { inputs, secrets: &secrets.hidden });
        let query = self.query_of(connection, statement, parameters.map_err(wrong)?)?;
        let sent = sent(&query, shown.map_err(wrong)?);
        let began = self.inner.runtime.elapsed();
        let result = self.run(connection, query).await;
        let duration = self.inner.runtime.elapsed().saturating_sub(began);
        match result {
            Ok(rows) => {
                let (headers, body) = (Map::new(), rows.body());
                Ok((sent, Answered { status: OK, headers, body, duration }))
            }
            Err(error) => {
                let happened = matches!(error, QueryError::Unknown(_));
                let (class, mut message) = told(&error);
                // The server repeats the values that it does not like.
                for secret in secrets.clear.values().filter(|secret| !secret.is_empty()) {
                    message = message.replace(secret.as_ref(), HIDDEN);
                }
                let sent = Some(Box::new(sent));
                Err(Failed { sent, happened, ..Failed::new(class, message) })
            }
        }
    }

    /// Signs in and has the server answer a statement that touches nothing.
    pub(super) async fn test_database(&self, connection: &Connection) -> Tested {
        let query = self.query_of(connection, &Statement::probe(), Vec::new());
        let result = match query {
            Ok(query) => self.run(connection, query).await.map_err(|error| told(&error).1),
            Err(failed) => Err(failed.message),
        };
        match result {
            Ok(_) => {
                Tested { ok: true, message: "Signed in, and SELECT 1 was answered".to_owned() }
            }
            Err(message) => Tested { ok: false, message },
        }
    }

    fn query_of(
        &self,
        connection: &Connection,
        statement: &Statement,
        parameters: Vec<Option<String>>,
    ) -> Result<Query, Failed> {
        let broken = |why: String| Failed::new("connection", why);
        if let Some(missing) = documents::unready(connection) {
            return Err(broken(format!("The connection \"{}\": {missing}", connection.name)));
        }
        let config = &connection.config;
        let text = |member: &str| config[member].as_str().unwrap_or_default().to_owned();
        let vault = &self.inner.vault;
        let password = documents::open(vault, connection, "password", &config["password"]);
        let identity = self.inner.sender.identity(config["caCert"].as_str(), None);
        Ok(Query {
            host: text("host"),
            port: config["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
            username: text("username"),
            password: password.map_err(|error| broken(format!("The password: {error}")))?,
            database: text("database"),
            statement: statement.text.clone(),
            parameters,
            reads_only: statement.only_reads(),
            limits: Limits {
                read_bytes_max: limits::OPERATION_ANSWER_BYTES_MAX,
                ..Limits::default()
            },
            identity: identity.map_err(broken)?,
        })
    }

    /// Runs a statement in one of the connection's places; waiting for it counts.
    async fn run(&self, connection: &Connection, mut query: Query) -> Result<Rows, QueryError> {
        let size = connection.config["poolSize"].as_u64().unwrap_or(1).max(1);
        let size = usize::try_from(size).unwrap_or(1);
        let (runtime, total_ms) = (&self.inner.runtime, query.limits.total_ms);
        let began = runtime.elapsed();
        let place = tokio::select! {
            biased;
            place = self.inner.places.take(connection, size) => place,
            () = runtime.pause(Duration::from_millis(total_ms)) => None,
        };
        let waited = runtime.elapsed().saturating_sub(began).as_millis();
        let left_ms = total_ms.saturating_sub(u64::try_from(waited).unwrap_or(u64::MAX));
        if place.is_none() || left_ms == 0 {
            let message = format!(
                "Gave up after {:.1} s, while the connection's {size} places were taken; its \
                 poolSize says how many there are",
                total_ms as f64 / 1_000.0
            );
            return Err(QueryError::Failed(Failure::new(ErrorClass::Timeout, message)));
        }
        query.limits.total_ms = left_ms;
        self.inner.sender.query(&query).await
    }
}

/// Class and words of a failure.
fn told(error: &QueryError) -> (&'static str, String) {
    match error {
        QueryError::Failed(failure) | QueryError::Unknown(failure) => {
            (failure.class.as_str(), words(failure))
        }
        QueryError::Sql { message, .. } => (SQL, message.clone()),
    }
}

/// The statement as people may see it.
fn sent(query: &Query, shown: Vec<Option<String>>) -> Sent {
    let host =
        if query.host.contains(':') { format!("[{}]", query.host) } else { query.host.clone() };
    let parameters = shown
        .into_iter()
        .enumerate()
        .map(|(at, value)| (format!("${}", at + 1), value.unwrap_or_else(|| "NULL".to_owned())));
    Sent {
        method: "SQL".to_owned(),
        url: format!("postgres://{}@{host}:{}/{}", query.username, query.port, query.database),
        headers: parameters.collect(),
        body: query.statement.clone(),
    }
}

/// The answer of a statement, for the words of an output that threw.
pub(super) fn what_ran(body: &Value) -> String {
    let command = body["command"].as_str().unwrap_or_default();
    format!("The statement ran ({command}, {} rows)", body["numRows"])
}
