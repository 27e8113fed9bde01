//! The connection of a node's presence, and what is said on it.

use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Row};

use super::super::errors::classify;
use super::super::tls;
use super::{Who, elapse};
use crate::db::error::Error;

/// Where hints are told.
const CHANNEL: &str = "kapok";
/// Bytes of one notification; PostgreSQL takes 8,000.
const HINT_BYTES_MAX: usize = 7_000;
/// Looks for the lock of an earlier line of the same node, 50 ms apart.
const LOCK_TRIES: usize = 20;
/// How long a node that is gone stays in the table, for those who look at it.
const KEEP_SECONDS: i64 = 3_600;
/// Statements may not take longer on this line: a sign of life that waits is none.
const SETTINGS: &str = "SET application_name = 'kapok presence'; SET statement_timeout = 10000; \
     SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
     SET client_min_messages = warning; SET timezone = 'UTC'";

const NOW: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
const REGISTER: &str = "INSERT INTO nodes (id, name, version, lock_key, has_lock, started_at, \
     seen_at) VALUES ($1, $2, $3, $4, FALSE, $5, $5) ON CONFLICT (id) DO NOTHING";
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock($1)";
/// The session that holds a lock, which may be an earlier line of this very node.
const HOLDER: &str = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 \
     AND granted AND ((CAST(classid AS BIGINT) << 32) | CAST(objid AS BIGINT)) = $1 \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const END_HOLDER: &str = "SELECT pg_terminate_backend($1)";
const NOTE_LOCK: &str = "UPDATE nodes SET has_lock = $2 WHERE id = $1";
const SIGN: &str = "UPDATE nodes SET seen_at = CAST(extract(epoch FROM clock_timestamp()) \
     * 1000000 AS BIGINT) WHERE id = $1 AND gone_at IS NULL RETURNING seen_at";
const NEIGHBOURS: &str = "SELECT n.id, n.name, n.lock_key, n.seen_at, n.has_lock, \
     EXISTS (SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 \
     AND l.granted AND ((CAST(l.classid AS BIGINT) << 32) | CAST(l.objid AS BIGINT)) = n.lock_key \
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) \
     FROM nodes n WHERE n.id <> $1 AND n.gone_at IS NULL";
const GENERATIONS: &str = "SELECT space_id, generation FROM webhook_generations LIMIT 10000";
const TRY_LOCK_HERE: &str = "SELECT pg_try_advisory_xact_lock($1)";
const BURY: &str = "UPDATE nodes SET gone_at = CAST(extract(epoch FROM clock_timestamp()) \
     * 1000000 AS BIGINT) WHERE id = $1 AND seen_at = $2 AND gone_at IS NULL";
/// Nodes that were found gone since a time.
const GONE: &str = "SELECT id FROM nodes WHERE gone_at > $1";
/// What a transaction of a node that is frozen holds on to is left to the next look.
const END_JOBS: &str = "UPDATE jobs SET leased_until = 0 WHERE id IN (SELECT id FROM jobs \
     WHERE leased_by = ANY($1) AND leased_until > 0 FOR UPDATE SKIP LOCKED)";
const END_RUNS: &str = "UPDATE runs SET leased_until = 0 WHERE id IN (SELECT id FROM runs \
     WHERE leased_by = ANY($1) AND leased_until > 0 FOR UPDATE SKIP LOCKED)";
const FORGET: &str = "DELETE FROM nodes WHERE gone_at < $1";
/// As for one that was found gone: the others look for what a transaction keeps leased to it.
const LEAVE: &str = "UPDATE nodes SET gone_at = CAST(extract(epoch FROM clock_timestamp()) \
     * 1000000 AS BIGINT) WHERE id = $1 AND gone_at IS NULL";
const TELL: &str = "SELECT pg_notify('kapok', $1)";

/// Another node, as its row and its lock show it.
pub(super) struct Neighbour {
    pub(super) id: String,
    pub(super) name: String,
    lock_key: i64,
    pub(super) seen_at: i64,
    /// Whether it ever held its lock: behind some poolers nobody can.
    pub(super) has_lock: bool,
    pub(super) is_locked: bool,
}

/// Carries requests, answers and notifications while it is polled.
type Carrier = Pin<Box<dyn Stream<Item = Result<AsyncMessage, tokio_postgres::Error>> + Send>>;

pub(super) struct Line {
    client: Client,
    carrier: Carrier,
    heard: VecDeque<String>,
    id: String,
}

impl Line {
    /// Connects, registers the node unless its row is there, takes its lock and listens.
    pub(super) async fn open(url: &str, who: &Who) -> Result<Self, Error> {
        let (config, tls) = tls::read(url)?;
        let (client, carrier): (Client, Carrier) = match tls {
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
                (client, carrier(connection))
            }
            Some(tls) => {
                let (client, connection) = config.connect(tls).await.map_err(refused)?;
                (client, carrier(connection))
            }
        };
        let mut line = Self { client, carrier, heard: VecDeque::new(), id: who.id.clone() };
        line.batch(&format!("{SETTINGS}; LISTEN {CHANNEL}")).await?;
        let key = lock_key(&who.id);
        let now: i64 = line.one(NOW, &[]).await?.get(0);
        let names: [&(dyn ToSql + Sync); 5] = [&who.id, &who.name, &who.version, &key, &now];
        line.execute(REGISTER, &names).await?;
        let has_lock = line.lock(key).await?;
        if !has_lock {
            tracing::warn!(
                "PostgreSQL does not keep a session's lock; is there a pooler in between? Other \
                 nodes notice the end of this one later"
            );
        }
        line.execute(NOTE_LOCK, &[&who.id, &has_lock]).await?;
        line.execute(FORGET, &[&(now - KEEP_SECONDS * 1_000_000)]).await?;
        Ok(line)
    }

    /// Takes the node's lock, from an earlier line of its own if need be.
    async fn lock(&mut self, key: i64) -> Result<bool, Error> {
        for _ in 0..LOCK_TRIES {
            let taken: bool = self.one(TRY_LOCK, &[&key]).await?.get(0);
            let holder = self.query(HOLDER, &[&key]).await?;
            if taken {
                return Ok(!holder.is_empty());
            }
            for row in holder {
                let pid: i32 = row.get(0);
                self.query(END_HOLDER, &[&pid]).await?;
            }
            elapse(Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    /// Gives a sign of life; returns the database's time, `None` when the node counts as gone.
    pub(super) async fn sign(&mut self, who: &Who) -> Result<Option<i64>, Error> {
        let rows = self.query(SIGN, &[&who.id]).await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    pub(super) async fn neighbours(&mut self, who: &Who) -> Result<Vec<Neighbour>, Error> {
        let rows = self.query(NEIGHBOURS, &[&who.id]).await?;
        Ok(rows.iter().map(neighbour).collect())
    }

    pub(super) async fn generations(&mut self) -> Result<Vec<(String, i64)>, Error> {
        let rows = self.query(GENERATIONS, &[]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Marks a node as gone and ends its leases, unless it came back meanwhile.
    pub(super) async fn bury(&mut self, who: &Neighbour, by_lock: bool) -> Result<bool, Error> {
        self.batch("BEGIN").await?;
        let buried = self.bury_inside(who, by_lock).await;
        let end = if matches!(buried, Ok(true)) { "COMMIT" } else { "ROLLBACK" };
        self.batch(end).await?;
        buried
    }

    async fn bury_inside(&mut self, who: &Neighbour, by_lock: bool) -> Result<bool, Error> {
        if by_lock && !self.one(TRY_LOCK_HERE, &[&who.lock_key]).await?.get::<_, bool>(0) {
            return Ok(false);
        }
        if self.execute(BURY, &[&who.id, &who.seen_at]).await? == 0 {
            return Ok(false);
        }
        self.end_leases(&[&who.id]).await?;
        Ok(true)
    }

    /// Ends what is leased to nodes that were found gone since a time; whether there was anything.
    pub(super) async fn end_late_leases(&mut self, since: i64) -> Result<bool, Error> {
        let gone = self.query(GONE, &[&since]).await?;
        let gone: Vec<&str> = gone.iter().map(|row| row.get(0)).collect();
        Ok(!gone.is_empty() && self.end_leases(&gone).await? > 0)
    }

    /// Ends whatever is leased to nodes; how much that was.
    async fn end_leases(&mut self, ids: &[&str]) -> Result<u64, Error> {
        Ok(self.execute(END_JOBS, &[&ids]).await? + self.execute(END_RUNS, &[&ids]).await?)
    }

    /// Signs the node off.
    pub(super) async fn leave(&mut self, id: &str) -> Result<(), Error> {
        self.end_leases(&[id]).await?;
        self.execute(LEAVE, &[&id]).await?;
        Ok(())
    }

    /// Sends hints, as few notifications as hold them.
    pub(super) async fn tell(&mut self, hints: &BTreeSet<String>) -> Result<(), Error> {
        let id = self.id.clone();
        let mut text = id.clone();
        for hint in hints.iter().filter(|hint| hint.len() < HINT_BYTES_MAX / 2) {
            if text.len() + 1 + hint.len() > HINT_BYTES_MAX {
                self.query(TELL, &[&text]).await?;
                text.clone_from(&id);
            }
            text.push('\n');
            text.push_str(hint);
        }
        self.query(TELL, &[&text]).await?;
        Ok(())
    }

    /// The next hints of another node, a line each.
    pub(super) async fn heard(&mut self) -> Result<String, Error> {
        loop {
            if let Some(text) = self.heard.pop_front() {
                return Ok(text);
            }
            poll_fn(|cx| self.drive(cx)).await?;
        }
    }

    async fn batch(&mut self, text: &str) -> Result<(), Error> {
        let (client, mut rest) = self.split();
        with(client.batch_execute(text), &mut rest).await
    }

    async fn execute(&mut self, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        let (client, mut rest) = self.split();
        with(client.execute(text, values), &mut rest).await
    }

    async fn query(
        &mut self,
        text: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let (client, mut rest) = self.split();
        with(client.query(text, values), &mut rest).await
    }

    async fn one(&mut self, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        let (client, mut rest) = self.split();
        with(client.query_one(text, values), &mut rest).await
    }

    fn split(&mut self) -> (&Client, Rest<'_>) {
        let Self { client, carrier, heard, id } = self;
        (client, Rest { carrier, heard, id })
    }

    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.split().1.drive(cx)
    }
}

/// A line without its client.
struct Rest<'a> {
    carrier: &'a mut Carrier,
    heard: &'a mut VecDeque<String>,
    id: &'a str,
}

impl Rest<'_> {
    /// Carries what there is to carry. Ready when something was heard, or the line broke.
    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let before = self.heard.len();
        while let Poll::Ready(message) = self.carrier.as_mut().poll_next(cx) {
            match message {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    let text = notification.payload();
                    if !text.starts_with(self.id) {
                        self.heard.push_back(text.to_owned());
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(refused(error))),
                None => {
                    let message = "the connection is closed".to_owned();
                    return Poll::Ready(Err(Error::Unavailable { message }));
                }
            }
        }
        if self.heard.len() > before { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

/// Waits for a request while the line is driven.
async fn with<T>(
    request: impl Future<Output = Result<T, tokio_postgres::Error>>,
    rest: &mut Rest<'_>,
) -> Result<T, Error> {
    tokio::pin!(request);
    poll_fn(|cx| {
        // The answer comes first: a line that breaks after it has answered.
        if let Poll::Ready(answer) = request.as_mut().poll(cx) {
            return Poll::Ready(answer.map_err(refused));
        }
        match rest.drive(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => match request.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(answer.map_err(refused)),
                Poll::Pending => Poll::Pending,
            },
        }
    })
    .await
}

fn carrier<S, T>(mut connection: Connection<S, T>) -> Carrier
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(futures_util::stream::poll_fn(move |cx| connection.poll_message(cx)))
}

fn neighbour(row: &Row) -> Neighbour {
    Neighbour {
        id: row.get(0),
        name: row.get(1),
        lock_key: row.get(2),
        seen_at: row.get(3),
        has_lock: row.get(4),
        is_locked: row.get(5),
    }
}

/// 63 random bits of the node's id; positive, as two halves of a lock's tag put together are.
fn lock_key(id: &str) -> i64 {
    let bits = uuid::Uuid::parse_str(id).map_or(0, |id| id.as_u128());
    i64::try_from(bits & u128::from(u64::MAX >> 1)).unwrap_or(0)
}

fn refused(error: tokio_postgres::Error) -> Error {
    classify(error).error
}
