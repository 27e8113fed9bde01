//! Statements on a real PostgreSQL server, and on what only looks like one.

use crate::peers::{self, Tunnel};
use crate::receiver::Receiver;
use model::job::ErrorClass;
use model::limits;
use runtime::Runtime;
use runtime::vault::Secret;
use serde_json::{Value, json};
use std::net::SocketAddr;
use webhooks::guard::Guard;
use webhooks::send::{Limits, Options, Proxy, Query, QueryError, Rows, Sender};

fn allowing(nets: &[&str]) -> Options {
    let nets = nets.iter().map(|net| net.parse().unwrap()).collect();
    Options { guard: Guard::new(nets), ..Options::default() }
}

fn sender() -> Sender {
    Sender::new(Runtime::system(), allowing(&["127.0.0.0/8"])).unwrap()
}

/// A statement on the database of a URL.
fn on(url: &str, statement: &str) -> Query {
    let url = url::Url::parse(url).unwrap();
    Query {
        host: url.host_str().unwrap().to_owned(),
        port: url.port().unwrap(),
        username: url.username().to_owned(),
        password: None,
        database: url.path().trim_start_matches('/').to_owned(),
        statement: statement.to_owned(),
        parameters: Vec::new(),
        reads_only: false,
        limits: Limits { read_bytes_max: 1024 * 1024, ..Limits::default() },
        identity: None,
    }
}

fn with(query: Query, parameters: &[&str]) -> Query {
    Query { parameters: parameters.iter().map(|text| Some((*text).to_owned())).collect(), ..query }
}

fn reading(query: Query) -> Query {
    Query { reads_only: true, ..query }
}

async fn rows(query: &Query) -> Value {
    json!(sender().query(query).await.unwrap().rows)
}

/// Class and words of a failure; `sql` and the code first for what the server refused.
async fn fails(sender: &Sender, query: &Query) -> (String, String) {
    match sender.query(query).await.unwrap_err() {
        QueryError::Failed(failure) => (failure.class.as_str().to_owned(), failure.message),
        QueryError::Unknown(failure) => {
            (format!("unknown {}", failure.class.as_str()), failure.message)
        }
        QueryError::Sql { code, message } => (format!("sql {code}"), message),
    }
}

#[tokio::test]
async fn values_go_in_as_text_and_come_back_by_their_type() {
    let database = testkit::postgres().await;
    let statement = "SELECT $1::int AS int, $2::bigint AS big, $3::bigint AS huge, \
        $4::numeric AS money, $5::float8 AS float, $6::boolean AS flag, $7::text AS text, \
        $8::jsonb AS json, $9::timestamptz AS at, $10::timestamp AS local, $11::date AS day, \
        $12::uuid AS id, $13::bytea AS bytes, $14::int[] AS list, $15::text[] AS names, \
        $16::inet AS address, NULL AS none, '1 day 2:00'::interval AS span, \
        int4range(1, 3) AS range";
    let query = with(
        reading(on(database.url(), statement)),
        &[
            "7",
            "9007199254740991",
            "9007199254740993",
            "12.30",
            "0.1",
            "true",
            "say \"hi\" '; --",
            r#"{"a":[1,null]}"#,
            "2026-01-02 03:04:05.678+02",
            "2026-01-02 03:04:05",
            "2026-01-02",
            "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
            "\\x00ff",
            "{1,NULL,3}",
            "{a,\"b,c\"}",
            "10.0.0.1",
        ],
    );
    assert_eq!(
        rows(&query).await,
        json!([{
            "int": 7, "big": 9_007_199_254_740_991_i64, "huge": "9007199254740993",
            "money": "12.30", "float": 0.1, "flag": true, "text": "say \"hi\" '; --",
            "json": { "a": [1, null] }, "at": "2026-01-02T01:04:05.678Z",
            "local": "2026-01-02T03:04:05", "day": "2026-01-02",
            "id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "bytes": "AP8=",
            "list": [1, null, 3], "names": ["a", "b,c"], "address": "10.0.0.1",
            "none": null, "span": "P1DT2H", "range": "[1,3)",
        }])
    );
}

#[tokio::test]
async fn a_statement_says_what_it_did_and_an_error_that_nothing_was_done() {
    let database = testkit::postgres().await;
    let run = async |statement: &str, parameters: &[&str]| {
        sender().query(&with(on(database.url(), statement), parameters)).await
    };
    let did = |rows: Result<Rows, QueryError>| {
        let rows = rows.unwrap();
        (rows.command, rows.count)
    };
    let made = run("CREATE TYPE mood AS ENUM ('sad', 'fine')", &[]).await;
    assert_eq!(did(made), ("CREATE TYPE".into(), 0));
    let table = "CREATE TABLE people (id INT PRIMARY KEY, mood mood)";
    assert_eq!(did(run(table, &[]).await), ("CREATE TABLE".into(), 0));
    // Types of parameters are the columns', whatever they are.
    let insert = "INSERT INTO people VALUES ($1, $2), ($3, NULL) RETURNING id, mood";
    let inserted = run(insert, &["1", "fine", "2"]).await.unwrap();
    assert_eq!((inserted.command.as_str(), inserted.count), ("INSERT", 2));
    let expect = json!([{ "id": 1, "mood": "fine" }, { "id": 2, "mood": null }]);
    assert_eq!(json!(inserted.rows), expect);
    let null = on(database.url(), "SELECT id FROM people WHERE mood IS NOT DISTINCT FROM $1");
    let null = Query { parameters: vec![None], ..null };
    assert_eq!(rows(&null).await, json!([{ "id": 2 }]));
    assert_eq!(did(run("DELETE FROM people WHERE id = $1", &["9"]).await), ("DELETE".into(), 0));
    assert_eq!(did(run("-- nothing", &[]).await), (String::new(), 0));

    let fails = async |statement: &str, parameters: &[&str]| {
        fails(&sender(), &with(on(database.url(), statement), parameters)).await
    };
    let (class, message) = fails(insert, &["3", "sad", "1"]).await;
    assert_eq!(class, "sql 23505", "{message}");
    assert!(message.contains("people_pkey") && message.contains("Key (id)=(1)"), "{message}");
    let (class, message) = fails("SELECT nme FROM people", &[]).await;
    assert_eq!(class, "sql 42703");
    assert!(message.contains("\"nme\" does not exist (42703, at character 8)"), "{message}");
    assert_eq!(fails("SELECT $1::int", &["seven"]).await.0, "sql 22P02");
    assert_eq!(fails("SELECT $1, $2", &["1"]).await.0, "sql 08P01");
    assert_eq!(fails("SELECT 1; SELECT 2", &[]).await.0, "sql 42601", "one statement at a time");
    assert_eq!(fails("COPY people TO STDOUT", &[]).await.0, "sql 0A000");
    let (class, message) = fails("SELECT 1 AS a, 2 AS a", &[]).await;
    assert_eq!(class, "sql 42701");
    assert!(message.contains("called \"a\"; name one with AS"), "{message}");
    // What answers too much is rolled back, too.
    let flood = "INSERT INTO people SELECT n, 'sad' FROM generate_series(10, 20010) n RETURNING id";
    let (class, message) = fails(flood, &[]).await;
    assert_eq!(class, "too_large");
    assert!(message.contains("more than 10000 rows"), "{message}");
    assert_eq!(
        fails("UPDATE people SET id = id + 100 RETURNING repeat('x', 600000)", &[]).await.0,
        "too_large"
    );
    // A deferred constraint speaks at the commit.
    run("ALTER TABLE people ADD boss INT REFERENCES people DEFERRABLE INITIALLY DEFERRED", &[])
        .await
        .unwrap();
    assert_eq!(fails("UPDATE people SET boss = 99", &[]).await.0, "sql 23503");
    let left = on(database.url(), "SELECT count(*) AS n, max(id) AS most FROM people");
    assert_eq!(rows(&left).await, json!([{ "n": 2, "most": 2 }]));
}

#[tokio::test]
async fn a_lost_commit_leaves_open_whether_it_happened() {
    let database = testkit::postgres().await;
    let run = async |statement: &str| sender().query(&on(database.url(), statement)).await.unwrap();
    run("CREATE TABLE t (id INT)").await;
    let network = testkit::Proxy::before(database.url()).await;
    network.lose_commit("INSERT 0 1");
    let insert = on(&network.url(), "INSERT INTO t VALUES (1)");
    let (class, message) = fails(&sender(), &insert).await;
    assert_eq!(class, "unknown reset");
    assert!(message.ends_with("whether the statement took effect is not known"), "{message}");
    // It did, as far as the database is concerned.
    while rows(&on(database.url(), "SELECT id FROM t")).await != json!([{ "id": 1 }]) {}
}

#[tokio::test]
async fn as_many_rows_as_allowed_are_read() {
    let database = testkit::postgres().await;
    let some = |count: usize| {
        reading(on(database.url(), &format!("SELECT n FROM generate_series(1, {count}) n")))
    };
    let all = sender().query(&some(limits::STATEMENT_ROWS_MAX)).await.unwrap();
    assert_eq!(all.rows.len(), limits::STATEMENT_ROWS_MAX);
    let (class, _) = fails(&sender(), &some(limits::STATEMENT_ROWS_MAX + 1)).await;
    assert_eq!(class, "too_large");
    // A value that is too large is not even read.
    let value = reading(on(database.url(), "SELECT repeat('x', 300000000) AS x"));
    assert_eq!(fails(&sender(), &value).await.0, "too_large");
}

#[tokio::test]
async fn what_only_reads_cannot_write() {
    let database = testkit::postgres().await;
    let run = async |statement: &str| {
        sender().query(&on(database.url(), statement)).await.unwrap();
    };
    run("CREATE TABLE seen (id INT)").await;
    run("CREATE FUNCTION note() RETURNS INT LANGUAGE sql AS 'INSERT INTO seen VALUES (1) \
         RETURNING id'")
    .await;
    let (class, message) = fails(&sender(), &reading(on(database.url(), "SELECT note()"))).await;
    assert_eq!(class, "sql 25006");
    assert!(message.contains("begin with WITH or CALL to write"), "{message}");
    let escape = "SELECT set_config('transaction_read_only', 'off', true), note()";
    assert!(fails(&sender(), &reading(on(database.url(), escape))).await.0.starts_with("sql "));
    let seen = on(database.url(), "SELECT count(*) AS n FROM seen");
    assert_eq!(rows(&seen).await, json!([{ "n": 0 }]));
    assert_eq!(rows(&on(database.url(), "SELECT note()")).await, json!([{ "note": 1 }]));
    assert_eq!(rows(&seen).await, json!([{ "n": 1 }]));
}

#[tokio::test]
async fn the_deadline_ends_a_statement_here_and_there() {
    let database = testkit::postgres().await;
    let short = |statement: &str| {
        let query = on(database.url(), statement);
        Query { limits: Limits { total_ms: 500, ..query.limits }, ..query }
    };
    let (class, message) = fails(&sender(), &short("SELECT pg_sleep(60) /* marked */")).await;
    assert_eq!(class, "timeout", "{message}");
    // The server stops, too, soon after: nothing of it is left.
    let left = "SELECT count(*) AS n FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while rows(&on(database.url(), left)).await != json!([{ "n": 0 }]) {}
}

#[tokio::test]
async fn the_guard_judges_every_host() {
    let database = testkit::postgres().await;
    let strict = Sender::new(Runtime::system(), allowing(&[])).unwrap();
    let query = on(database.url(), "SELECT 1");
    let (class, message) = fails(&strict, &query).await;
    assert_eq!(class, "blocked");
    assert!(message.contains("a loopback address"), "{message}");
    for host in ["localhost", "/var/run/postgresql", "127.1", "::1", "a/../b"] {
        let query = Query { host: host.to_owned(), ..query.clone() };
        assert_eq!(fails(&strict, &query).await.0, "blocked", "{host}");
    }
    // A name is judged by what it resolves to, and only that is connected to.
    let resolve: webhooks::send::Resolve =
        std::sync::Arc::new(|_| Box::pin(async { Ok(vec!["10.0.0.1".parse().unwrap()]) }));
    let options = Options { resolve: Some(resolve), ..allowing(&["127.0.0.0/8"]) };
    let named = Query { host: "db.test".to_owned(), ..query };
    let named = fails(&Sender::new(Runtime::system(), options).unwrap(), &named).await;
    assert_eq!(named.0, "blocked", "{}", named.1);
}

#[tokio::test]
async fn tls_shows_that_the_server_is_who_was_meant() {
    let database = testkit::postgres().await;
    let pem = std::fs::read_to_string(testkit::certificate()).unwrap();
    let trusting = |pem: &str, statement: &str| {
        let identity = sender().identity(Some(pem), None).unwrap();
        Query { identity, ..on(database.url(), statement) }
    };
    let ssl = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(rows(&trusting(&pem, ssl)).await, json!([{ "ssl": true }]));
    // A private address without certificates to trust is spoken to in clear.
    assert_eq!(rows(&on(database.url(), ssl)).await, json!([{ "ssl": false }]));
    let other = peers::self_signed("127.0.0.1").certificate;
    let (class, message) = fails(&sender(), &trusting(&other, ssl)).await;
    assert_eq!(class, "tls", "{message}");
    let named = Query { host: "localhost".to_owned(), ..trusting(&pem, ssl) };
    let (class, message) = fails(&sender(), &named).await;
    assert_eq!((class.as_str(), message.as_str()), ("tls", "The certificate is for another host"));
    // A server without TLS is no answer where TLS is meant.
    let plain = Receiver::raw(b"N".to_vec()).await;
    let query = Query { port: plain.port(), ..trusting(&pem, ssl) };
    let (class, message) = fails(&sender(), &query).await;
    assert_eq!(class, "tls");
    assert!(message.contains("does not offer TLS"), "{message}");
}

#[tokio::test]
async fn the_egress_proxy_carries_statements() {
    let database = testkit::postgres().await;
    let query = on(database.url(), "SELECT 1 AS one");
    let server: SocketAddr = format!("{}:{}", query.host, query.port).parse().unwrap();
    let through = |proxy: SocketAddr, resolves: bool| {
        let proxy = Some(Proxy::parse(&format!("http://{proxy}"), resolves).unwrap());
        Sender::new(Runtime::system(), Options { proxy, ..allowing(&["127.0.0.0/8"]) }).unwrap()
    };
    let (proxy, mut asked) = peers::proxy(Tunnel::Open(server)).await;
    let answer = through(proxy, false).query(&query).await.unwrap();
    assert_eq!(json!(answer.rows), json!([{ "one": 1 }]));
    let head = asked.recv().await.unwrap();
    assert!(head.starts_with(&format!("CONNECT {server} HTTP/1.1\r\n")), "{head}");
    // Where the proxy resolves, nobody knows whether the address is public: TLS is required.
    let named = Query { host: "db.test".to_owned(), ..query };
    let (class, message) = fails(&through(proxy, true), &named).await;
    assert_eq!(class, "tls", "{message}");
    let head = asked.recv().await.unwrap();
    assert!(head.starts_with("CONNECT db.test:"), "{head}");
}

#[tokio::test]
async fn what_is_no_postgresql_server_is_told_from_one() {
    let fails = async |port: u16| {
        let query = on(&format!("postgres://ann@127.0.0.1:{port}/db"), "SELECT 1");
        fails(&sender(), &Query { limits: Limits { total_ms: 500, ..query.limits }, ..query }).await
    };
    let raw = async |bytes: &[u8]| fails(Receiver::raw(bytes.to_vec()).await.port()).await;
    assert_eq!(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.0, "protocol");
    // A message of 2 GiB, one of less than nothing, one that never ends, silence,
    // and the end.
    assert_eq!(raw(b"R\x7f\xff\xff\xff").await.0, "protocol");
    assert_eq!(raw(b"R\0\0\0\x01").await.0, "protocol");
    assert_eq!(raw(b"R\0\0\0\x08\0").await.0, "timeout");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = silent.local_addr().unwrap().port();
    assert_eq!(fails(free).await.0, "timeout");
    // The connection that was given up stands first in the line of those to be accepted.
    drop(silent.accept().await.unwrap());
    let leaving = tokio::spawn(async move { silent.accept().await.map(drop) });
    assert_eq!(fails(free).await.0, "reset");
    // Nobody listens any more once that task has ended.
    leaving.await.unwrap().unwrap();
    assert_eq!(fails(free).await.0, "connect");
    // In clear a password is only given as a proof.
    let (class, message) = raw(b"R\0\0\0\x08\0\0\0\x03").await;
    assert_eq!(class, "auth");
    assert!(message.contains("have it use scram-sha-256"), "{message}");
    // Neither does a server get a hash that takes minutes.
    let mechanisms = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    let rounds = b"R\0\0\0\x1f\0\0\0\x0br=a,s=AAAA,i=2000000000";
    let query = on("postgres://ann@127.0.0.1:1/db", "SELECT 1");
    let port = Receiver::raw([&mechanisms[..], &rounds[..]].concat()).await.port();
    let query = Query { port, password: Some(Secret::new("p")), ..query };
    assert_eq!(self::fails(&sender(), &query).await.0, ErrorClass::Protocol.as_str());
}

#[tokio::test]
async fn passwords_are_proved() {
    let mut cluster = tokio::task::spawn_blocking(testkit::Cluster::start).await.unwrap();
    let run = async |url: &str, statement: &str| {
        sender().query(&on(url, statement)).await.unwrap();
    };
    let url = cluster.url();
    run(&url, "SET password_encryption = 'scram-sha-256'").await;
    run(&url, "CREATE ROLE scram LOGIN PASSWORD 's3cret ü'").await;
    run(
        &url,
        "DO $$ BEGIN SET LOCAL password_encryption = 'md5'; \
         CREATE ROLE md5 LOGIN PASSWORD 's3cret ü'; END $$",
    )
    .await;
    // Who may sign in how is a file that the server itself can write.
    run(
        &url,
        "DO $$ BEGIN EXECUTE format('COPY (SELECT unnest(ARRAY[\
         ''host all scram all scram-sha-256'', ''host all md5 all md5'', \
         ''host all nobody all reject'', ''host all kapok all trust''])) TO %L', \
         current_setting('hba_file')); END $$",
    )
    .await;
    let cluster = tokio::task::spawn_blocking(move || {
        cluster.restart();
        cluster
    });
    let _cluster = cluster.await.unwrap();
    for role in ["scram", "md5"] {
        let query = |password: Option<&str>| Query {
            username: role.to_owned(),
            password: password.map(Secret::new),
            ..on(&url, "SELECT current_user::text AS me")
        };
        assert_eq!(rows(&query(Some("s3cret ü"))).await, json!([{ "me": role }]));
        let (class, message) = fails(&sender(), &query(Some("wrong"))).await;
        assert_eq!(class, "auth");
        assert!(message.contains("password authentication failed"), "{message}");
        let (class, message) = fails(&sender(), &query(None)).await;
        assert_eq!(class, "auth");
        assert!(message.contains("enter the connection's"), "{message}");
    }
    let rejected = Query { username: "nobody".into(), ..on(&url, "SELECT 1") };
    assert_eq!(fails(&sender(), &rejected).await.0, "auth");
    let missing = Query { database: "none".into(), ..on(&url, "SELECT 1") };
    assert_eq!(fails(&sender(), &missing).await.0, "sql 3D000");
}
