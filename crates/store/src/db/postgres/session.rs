//! One PostgreSQL connection, driven by the thread that owns it.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::errors::{Verdict, classify, is_stale_plan};
use super::param::Param;
use super::tls::{self, Tls};
use crate::db::Shared;
use crate::db::error::Error;
use crate::db::row::{Inner, Row};
use crate::db::sql::{Dialect, Sql};
use crate::db::stats::Counters;
use crate::db::value::Value;
use crate::db::wall::{now, pause};

/// Statements sent ahead before their answers are awaited; bounds memory on both ends.
const AHEAD_MAX: usize = 128;
/// Prepared statements kept for each connection; more are forgotten all together.
const STATEMENTS_MAX: usize = 1_024;
/// Beyond the server's own statement limit, how long an answer may take before the line is lost.
const GRACE: Duration = Duration::from_secs(5);

/// How long connecting and logging in may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);

type PgResult<T> = Result<T, tokio_postgres::Error>;
type Pending<T> = Pin<Box<dyn Future<Output = PgResult<T>> + Send>>;

/// Carries a connection's bytes while it is polled.
type Carrier = Pin<Box<dyn Future<Output = PgResult<()>> + Send>>;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// READ COMMITTED; guarded updates carry correctness.
    Write,
    /// One snapshot, read-only.
    Read,
}

/// What became of a commit.
pub(super) enum Committed {
    /// It is on disk.
    Yes,
    /// It was refused; nothing is stored.
    No(Error),
    /// The line broke before the answer.
    Unknown,
}

/// A connection owned by one thread, or the lack of one.
pub(in crate::db) struct Session {
    config: Config,
    tls: Option<Tls>,
    mode: Mode,
    counters: Counters,
    runtime: Runtime,
    line: Option<Line>,
    /// How long a closure may take, and when the present one must end.
    time: Duration,
    stop_at: Instant,
    reconnect_time: Duration,
    /// Statements that may have changed something, ever.
    written: u64,
    /// The last attempt to connect failed: the next caller does not wait as long.
    down: bool,
}

struct Line {
    client: Arc<Client>,
    /// Carries requests and answers while it is polled. Dropped when it ends, for it holds the
    /// other ends of the answers that are waited for.
    connection: Option<Carrier>,
    /// Prepared statements by the address of the constant they come from.
    statements: HashMap<(usize, usize), Statement>,
    /// Requests sent ahead whose answers are still to come, in order.
    ahead: VecDeque<Pending<u64>>,
}

impl Session {
    /// Prepares a session; it connects when it is first used.
    pub(super) fn new(url: &str, mode: Mode, shared: &Shared) -> Result<Self, Error> {
        let unusable = |message: String| Error::Unavailable { message };
        let (mut config, tls) = tls::read(url)?;
        config
            .connect_timeout(CONNECT_TIME)
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("kapok");
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        let time = match mode {
            Mode::Write => shared.limits.write_time,
            Mode::Read => shared.limits.read_time,
        };
        Ok(Self {
            config,
            tls,
            mode,
            counters: shared.counters.clone(),
            runtime,
            line: None,
            time,
            stop_at: now() + time,
            reconnect_time: shared.limits.reconnect_time,
            written: 0,
            down: false,
        })
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Connects when there is no connection, backing off for a while.
    pub(super) fn connect(&mut self) -> Result<(), Error> {
        if self.line.as_ref().is_some_and(|line| !line.is_lost() && !line.client.is_closed()) {
            return Ok(());
        }
        self.line = None;
        let give_up = now() + self.reconnect_time;
        let mut wait = Duration::from_millis(20);
        loop {
            match self.connect_once() {
                Ok(()) => {
                    self.down = false;
                    return Ok(());
                }
                Err(error) if self.down || now() + wait > give_up => {
                    self.down = true;
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(%error, "PostgreSQL is out of reach; trying again");
                    pause(wait);
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
            }
        }
    }

    fn connect_once(&mut self) -> Result<(), Error> {
        let out_of_reach = |error| match classify(error).error {
            Error::Db { message, .. } => Error::Unavailable { message },
            error => error,
        };
        let connecting =
            async { tokio::time::timeout(CONNECT_TIME, connected(&self.config, &self.tls)).await };
        let (client, connection) = match self.runtime.block_on(connecting) {
            Ok(connected) => connected.map_err(out_of_reach)?,
            Err(_) => return Err(Error::Unavailable { message: "no answer".to_owned() }),
        };
        self.line = Some(Line {
            client: Arc::new(client),
            connection: Some(connection),
            statements: HashMap::new(),
            ahead: VecDeque::new(),
        });
        let read_only = if self.mode == Mode::Read { "on" } else { "off" };
        let time = self.time.as_millis();
        self.stop_at = now() + self.time;
        // Every statement has its index. A plan is kept for as long as the connection, and one made
        // while tables were small would read them whole for ever.
        self.batch(&format!(
            "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
             SET jit = off; SET statement_timeout = {time}; \
             SET idle_in_transaction_session_timeout = 60000; \
             SET default_transaction_read_only = {read_only}; SET timezone = 'UTC'; \
             SET client_min_messages = warning"
        ))?;
        self.counters.connect();
        Ok(())
    }

    /// Whether the connection broke; the next [`Session::connect`] makes another.
    pub(super) fn is_lost(&self) -> bool {
        self.line.as_ref().is_none_or(Line::is_lost)
    }

    /// Opens a transaction, without waiting for the answer.
    pub(super) fn begin(&mut self) {
        self.stop_at = now() + self.time;
        let text = match self.mode {
            Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.send_ahead(|client| command(client, text));
    }

    /// Gives the next closure of the transaction the time that one may take.
    pub(super) fn restart_clock(&mut self) {
        self.stop_at = now() + self.time;
    }

    /// Statements so far that may have changed something: all but plain queries.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Commits. COMMIT follows the statements sent ahead without waiting for them: had one of them
    /// failed, PostgreSQL would roll back on it.
    pub(super) fn commit(&mut self) -> Committed {
        let Some(client) = self.client() else {
            return Committed::No(gone());
        };
        match self.finish(command(client, "COMMIT")) {
            Ok(_) => Committed::Yes,
            Err(Failed { last: true, verdict }) if verdict.lost => Committed::Unknown,
            Err(Failed { last: false, verdict }) if verdict.lost && !verdict.told => {
                Committed::Unknown
            }
            Err(failed) => Committed::No(failed.verdict.error),
        }
    }

    /// Rolls back; drops the connection when even that fails.
    pub(super) fn rollback(&mut self) {
        let Some(client) = self.client() else { return };
        if let Some(line) = &mut self.line {
            // Their answers do not matter any more; the connection discards them.
            line.ahead.clear();
        }
        self.stop_at = now() + GRACE;
        if let Err(failed) = self.finish(command(client, "ROLLBACK")) {
            tracing::debug!(error = %failed.verdict.error, "a connection is given up");
            self.line = None;
        }
    }

    /// Runs commands without parameters and waits for them.
    pub(in crate::db) fn batch(&mut self, text: &str) -> Result<(), Error> {
        let client = self.client().ok_or_else(gone)?;
        let text = text.to_owned();
        let future = Box::pin(async move { client.batch_execute(&text).await.map(|()| 0) });
        self.finish(future).map(|_| ()).map_err(Failed::into_error)
    }

    /// Sends a statement ahead of its answer.
    pub(in crate::db) fn push(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<(), Error> {
        let statement = self.statement(sql)?;
        let params = self.params(&statement, sql, values)?;
        self.written += 1;
        self.send_ahead(|client| {
            Box::pin(async move { client.execute_raw(&statement, params).await })
        });
        let waiting = self.line.as_ref().map_or(0, |line| line.ahead.len());
        if waiting >= AHEAD_MAX { self.settle() } else { Ok(()) }
    }

    /// Runs a statement; returns how many rows changed.
    pub(in crate::db) fn execute(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<u64, Error> {
        let statement = self.statement(sql)?;
        let params = self.params(&statement, sql, values)?;
        self.written += 1;
        let client = self.client().ok_or_else(gone)?;
        let future = Box::pin(async move { client.execute_raw(&statement, params).await });
        self.finish(future).map_err(Failed::into_error)
    }

    /// Runs a query and visits its rows.
    pub(in crate::db) fn query(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        visit: &mut dyn FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let statement = self.statement(sql)?;
        let params = self.params(&statement, sql, values)?;
        self.written += u64::from(!sql.text(Dialect::Postgres).starts_with("SELECT"));
        let client = self.client().ok_or_else(gone)?;
        let rows: Pending<Vec<tokio_postgres::Row>> =
            Box::pin(
                async move { client.query_raw(&statement, params).await?.try_collect().await },
            );
        let rows = self.finish(rows).map_err(Failed::into_error)?;
        rows.iter().try_for_each(|row| visit(&Row(Inner::Postgres(row))))
    }

    fn client(&self) -> Option<Arc<Client>> {
        self.line.as_ref().map(|line| Arc::clone(&line.client))
    }

    /// The prepared statement, preparing it once for each connection.
    fn statement(&mut self, sql: &Sql) -> Result<Statement, Error> {
        if now() > self.stop_at {
            return Err(Error::Timeout);
        }
        let text = sql.text(Dialect::Postgres);
        let key = (text.as_ptr().addr(), text.len());
        let line = self.line.as_mut().ok_or_else(gone)?;
        if let Some(statement) = line.statements.get(&key) {
            return Ok(statement.clone());
        }
        if line.statements.len() >= STATEMENTS_MAX {
            line.statements.clear();
        }
        // A failed transaction refuses to prepare: the error sent ahead comes first.
        self.settle()?;
        let client = self.client().ok_or_else(gone)?;
        let preparing: Pending<Statement> = Box::pin(async move { client.prepare(text).await });
        let statement = self.finish(preparing).map_err(Failed::into_error)?;
        if let Some(line) = &mut self.line {
            line.statements.insert(key, statement.clone());
        }
        Ok(statement)
    }

    fn params(
        &self,
        statement: &Statement,
        sql: &Sql,
        values: &[Value<'_>],
    ) -> Result<Vec<Param>, Error> {
        let (expected, given) = (statement.params().len(), values.len());
        if expected != given {
            let text = sql.text(Dialect::Postgres);
            let message = format!("{expected} values were expected, {given} given: {text}");
            return Err(Error::db(message));
        }
        Ok(values.iter().map(|value| Param(value.clone().into_owned())).collect())
    }

    /// Hands a request to the connection and keeps its answer for later. It is written out with
    /// the next one that is waited for: a flight costs one call of the system on either side, and
    /// the server is woken once.
    fn send_ahead(&mut self, request: impl FnOnce(Arc<Client>) -> Pending<u64>) {
        let Some(line) = &mut self.line else { return };
        let mut pending = request(Arc::clone(&line.client));
        // Whoever waits for the answer polls again, with a waker that wakes.
        let first = pending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        line.ahead.push_back(match first {
            Poll::Ready(done) => Box::pin(std::future::ready(done)),
            Poll::Pending => pending,
        });
    }

    /// Waits for everything sent ahead.
    fn settle(&mut self) -> Result<(), Error> {
        self.finish(Box::pin(std::future::ready(Ok(())))).map_err(Failed::into_error)
    }

    /// Sends a last request, waits for everything sent ahead in order, then for its answer. The
    /// first error wins, for the later ones follow from it.
    fn finish<T>(&mut self, mut last: Pending<T>) -> Result<T, Failed> {
        let Some(line) = &mut self.line else {
            return Err(Failed::lost(gone()));
        };
        let left = self.stop_at.saturating_duration_since(now()) + GRACE;
        let mut answer = None;
        let all = poll_fn(|cx| {
            if answer.is_none()
                && let Poll::Ready(done) = last.as_mut().poll(cx)
            {
                answer = Some(done);
            }
            line.drive(cx);
            while let Some(first) = line.ahead.front_mut() {
                match first.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(_)) => drop(line.ahead.pop_front()),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err((false, error))),
                }
            }
            match answer.take() {
                Some(done) => Poll::Ready(done.map_err(|error| (true, error))),
                None => Poll::Pending,
            }
        });
        let outcome = self.runtime.block_on(async { tokio::time::timeout(left, all).await });
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err((last, error))) => {
                if error.as_db_error().is_some_and(is_stale_plan) {
                    line.statements.clear();
                }
                let verdict = classify(error);
                line.ahead.clear();
                if verdict.lost {
                    line.connection = None;
                }
                Err(Failed { last, verdict })
            }
            Err(_) => {
                line.connection = None;
                Err(Failed::lost(Error::Timeout))
            }
        }
    }
}

impl Line {
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(cx).is_ready()
        {
            self.connection = None;
        }
    }

    fn is_lost(&self) -> bool {
        self.connection.is_none()
    }
}

/// A failed request: the last one, or one sent ahead of it.
struct Failed {
    last: bool,
    verdict: Verdict,
}

impl Failed {
    fn lost(error: Error) -> Self {
        Self { last: true, verdict: Verdict { error, lost: true, told: false } }
    }

    fn into_error(self) -> Error {
        self.verdict.error
    }
}

async fn connected(config: &Config, tls: &Option<Tls>) -> PgResult<(Client, Carrier)> {
    match tls {
        None => {
            let (client, connection) = config.connect(NoTls).await?;
            Ok((client, Box::pin(connection)))
        }
        Some(tls) => {
            let (client, connection) = config.connect(tls.clone()).await?;
            Ok((client, Box::pin(connection)))
        }
    }
}

fn gone() -> Error {
    Error::Unavailable { message: "the connection is lost".to_owned() }
}

fn command(client: Arc<Client>, text: &'static str) -> Pending<u64> {
    Box::pin(async move { client.batch_execute(text).await.map(|()| 0) })
}
