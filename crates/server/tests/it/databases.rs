//! `/app/integrator/api` with PostgreSQL databases: documents, calls, and runs that call them.

use crate::connections::{API, ask, operation, post, refused, run, save};
use crate::harness::{ADMIN, PLAIN, Server, assert_holds, both, one};
use reqwest::Method;
use serde_json::{Value, json};

/// The config of a connection to a test's database.
fn config(database: &testkit::Database) -> Value {
    let url = url::Url::parse(database.url()).unwrap();
    json!({ "configType": "postgres", "host": url.host_str(), "port": url.port(),
        "username": url.username(), "password": "p-3cret",
        "database": url.path().trim_start_matches('/') })
}

/// Creates a connection and returns its id.
async fn connection(server: &Server, config: &Value) -> String {
    let body = json!({ "name": "Stores", "type": "postgres", "config": config,
        "secrets": { "Key": "k-3cret" } });
    let made = post(server, "/connections", body).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

fn sql(statement: &str, parameters: &[&str]) -> Value {
    json!({ "config": { "configType": "postgres", "statement": statement,
            "parameters": parameters },
        "outputs": { "Rows": { "value": "body.rows" }, "Did": { "value": "body.command" } } })
}

/// Executes an operation that is not stored.
async fn execute(server: &Server, id: &str, operation: Value, inputs: Value) -> Value {
    let body = json!({ "connectionId": id, "operation": operation, "parameters": inputs });
    post(server, "/execute", body).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_databases_keep_their_password_to_themselves() {
    for server in both().await {
        let database = testkit::postgres().await;
        let id = connection(&server, &config(&database)).await;
        let at = format!("/connections/{id}");
        let read = ask(&server, Method::GET, &at, &Value::Null).await.ok();
        let mut expect = config(&database);
        expect["password"] = Value::Null;
        expect["caCert"] = Value::Null;
        expect["poolSize"] = json!(5);
        assert_eq!(read["config"], expect);
        let shape = json!({ "type": "postgres", "secrets": { "Key": null },
            "status": { "healthy": true } });
        assert_holds(&read, &shape);
        let query = sql("SELECT $1::int + 1 AS n", &["{{N}}"]);
        let operation = operation(&server, &id, "Next", query).await;
        for path in ["/connections", &at, &format!("/export{at}"), &format!("{at}/operations")] {
            let text = ask(&server, Method::GET, path, &Value::Null).await.ok().to_string();
            assert!(!text.contains("3cret") && !text.contains("sealed"), "{path}: {text}");
        }
        let rows = server.store().read(|tx| {
            let all = store::connections::all(tx)?;
            Ok::<_, store::Error>(format!("{all:?}"))
        });
        assert!(!rows.await.unwrap().contains("3cret"));
        server.plain_user().await;
        for path in ["/connections", &at, &format!("{at}/operations")] {
            let asked = server.ask(PLAIN, Method::GET, &format!("{API}{path}"), None).await;
            assert_eq!(asked.status, 403, "{path}");
        }
        let call = json!({ "connectionId": id, "operationId": operation });
        for path in ["/execute", "/test", &format!("{at}/test")] {
            let asked = server.ask(PLAIN, Method::POST, &format!("{API}{path}"), Some(&call)).await;
            assert_eq!(asked.status, 403, "{path}");
        }

        // What was read may be sent back: the password stays, and so it does through an import.
        let back = json!({ "config": read["config"], "description": "All of them" });
        let back = ask(&server, Method::PUT, &at, &back).await.ok();
        assert_holds(&back, &json!({ "status": { "healthy": true }, "lockVersion": 2 }));
        let export = format!("/export{at}");
        let exported = ask(&server, Method::GET, &export, &Value::Null).await.ok();
        let forced = post(&server, "/import/connections?force=true", exported.clone()).await.ok();
        assert_holds(&forced, &json!({ "id": id, "status": { "healthy": true } }));
        let reseal = post(&server, "/rotate-encryption-key", Value::Null).await.ok();
        assert_eq!(reseal["resealed"], 0, "everything is sealed with the present key");
        let call = json!({ "connectionId": id, "operationId": operation,
            "parameters": { "N": "41" } });
        let answered = post(&server, "/execute", call.clone()).await.ok();
        assert_eq!(answered, json!({ "Rows": [{ "n": 42 }], "Did": "SELECT" }));

        // Elsewhere it is asked for.
        ask(&server, Method::DELETE, &at, &Value::Null).await.ok();
        let imported = post(&server, "/import/connections", exported).await.ok();
        assert_holds(&imported, &json!({ "id": id, "status": { "healthy": false } }));
        let missing = refused(post(&server, "/execute", call.clone()).await, 400);
        assert!(missing.contains("lack their password; enter it"), "{missing}");
        let mut none = read["config"].clone();
        none["password"] = json!("");
        let entered = json!({ "config": none, "secrets": { "Key": "k" } });
        ask(&server, Method::PUT, &at, &entered).await.ok();
        assert_eq!(post(&server, "/execute", call).await.ok()["Rows"], json!([{ "n": 42 }]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_database_is_said() {
    let server = one().await;
    let database = testkit::postgres().await;
    let wrong = async |change: Value, expect: &str| {
        let mut config = config(&database);
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let body = json!({ "name": "x", "config": config });
        let message = refused(post(&server, "/connections", body).await, 400);
        assert!(message.contains(expect), "{message}");
    };
    wrong(json!({ "host": "" }), "The host must be text and not blank").await;
    wrong(json!({ "host": "10.0.0.1" }), "The host cannot be called: The address 10.0.0.1").await;
    wrong(json!({ "host": "/var/run" }), "is neither a name nor an address").await;
    wrong(json!({ "port": 0 }), "The port must be a whole number of 1 to 65535").await;
    wrong(json!({ "port": 22 }), "belongs to another protocol").await;
    wrong(json!({ "username": null }), "The username must be text").await;
    wrong(json!({ "database": "a\u{0}b" }), "The database must be text").await;
    wrong(json!({ "poolSize": 0 }), "The poolSize must be a whole number of 1 to 100").await;
    wrong(json!({ "poolSize": 101 }), "The poolSize must be a whole number of 1 to 100").await;
    wrong(json!({ "caCert": "no" }), "The caCert cannot be used").await;
    wrong(json!({ "baseUrl": "https://x" }), "Unexpected field: config.baseUrl").await;
    let body = json!({ "name": "x", "type": "http", "config": config(&database) });
    let message = refused(post(&server, "/connections", body).await, 400);
    assert!(message.contains("type and the configType must be the same"), "{message}");

    let id = connection(&server, &config(&database)).await;
    let moved = json!({ "type": "http", "config": { "baseUrl": "https://x.test" } });
    let at = format!("/connections/{id}");
    let message = refused(ask(&server, Method::PUT, &at, &moved).await, 400);
    assert!(message.contains("cannot be changed from postgres; create another"), "{message}");

    let wrong = async |operation: Value, expect: &str| {
        let mut body = operation;
        body["name"] = json!("x");
        let message = refused(post(&server, &format!("{at}/operations"), body).await, 400);
        assert!(message.contains(expect), "{message}");
    };
    wrong(sql("SELECT * FROM {{Table}}", &[]), "write $1, $2 and so on").await;
    wrong(sql("SELECT $1", &["{{secrets.No}}"]), "has no secret \"No\"").await;
    let http = json!({ "config": { "configType": "http", "method": "GET", "path": "/" } });
    wrong(http, "its operations must be too, not http").await;
    let inspect = json!({ "operation": sql("SELECT $1, $2", &["{{A*}}", "{{B}} {{A*}}"]) });
    let inputs = post(&server, "/inspect", inspect).await.ok();
    assert_eq!(inputs, json!({ "detectedInputs": ["A*", "B"], "requiredInputs": ["A*"] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_called_tested_and_fails_with_its_class() {
    let server = one().await;
    let database = testkit::postgres().await;
    let id = connection(&server, &config(&database)).await;
    let tested = post(&server, &format!("/connections/{id}/test"), json!({})).await.ok();
    assert_eq!(tested["status"], "ok", "{tested}");
    let test = json!({ "type": "postgres", "config": config(&database) });
    assert_eq!(post(&server, "/test", test.clone()).await.ok()["status"], "ok");
    let mut elsewhere = test;
    elsewhere["config"]["database"] = json!("none");
    let tested = post(&server, "/test", elsewhere).await.ok();
    assert_eq!(tested["status"], "error");
    assert!(tested["message"].as_str().unwrap().contains("does not exist (3D000)"), "{tested}");

    execute(&server, &id, sql("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)", &[]), json!({}))
        .await;
    let insert = sql("INSERT INTO t VALUES ($1, $2)", &["{{Id}}", "{{Name}}"]);
    let did = execute(&server, &id, insert, json!({ "Id": "7", "Name": "a'); --" })).await;
    assert_eq!(did, json!({ "Rows": [], "Did": "INSERT" }));
    let select = sql("SELECT * FROM t WHERE id = $1 OR name = $2", &["{{Id}}", "{{secrets.Key}}"]);
    let body = json!({ "connectionId": id, "operation": select, "parameters": { "Id": 7 } });
    let debug = post(&server, "/execute?include=request", body).await.ok();
    let rows = json!([{ "id": 7, "name": "a'); --" }]);
    assert_eq!(debug["raw"]["body"], json!({ "command": "SELECT", "numRows": 1, "rows": rows }));
    assert_eq!(debug["raw"]["statusCode"], 200);
    assert_eq!(debug["request"]["headers"], json!({ "$1": "7", "$2": "masked-secret" }));
    assert!(!debug.to_string().contains("3cret"), "{debug}");

    let fails = async |operation: Value, class: &str, expect: &str| {
        let body = json!({ "connectionId": id, "operation": operation });
        let answer = post(&server, "/execute", body).await;
        assert_eq!(answer.body["errorKey"], class, "{}", answer.body);
        let message = refused(answer, 400);
        assert!(message.contains(expect), "{message}");
        assert!(!message.contains("3cret"), "{message}");
    };
    fails(sql("SELECT nothing", &[]), "sql", "(42703, at character 8)").await;
    fails(sql("SELECT $1::int", &["{{secrets.Key}}"]), "sql", "\"masked-secret\"").await;
    fails(sql("SELECT $1", &["{{Name*}}"]), "inputs", "\"Name*\" is required").await;
    fails(sql("SELECT {{Name}}", &[]), "operation", "an input would become SQL").await;
    let flood = sql("SELECT n FROM generate_series(1, 10001) n", &[]);
    fails(flood, "too_large", "more than 10000 rows").await;
    let mut throws = sql("SELECT 1 AS one", &[]);
    throws["outputs"] = json!({ "A": { "value": "body.rows[1].one" } });
    fails(throws, "outputs", "The statement ran (SELECT, 1 rows), and the output \"A\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_holds_for_databases() {
    let database = testkit::postgres().await;
    let server = Server::with(testkit::sqlite().await, |config| config.allow_cidrs.clear()).await;
    let body = json!({ "name": "x", "config": config(&database) });
    let message = refused(post(&server, "/connections", body.clone()).await, 400);
    assert!(message.contains("a loopback address"), "{message}");
    let mut named = body;
    named["config"]["host"] = json!("localhost");
    assert!(refused(post(&server, "/test", named).await, 400).contains("a loopback address"));
}

/// No more statements run at once than the connection has places.
#[tokio::test(flavor = "multi_thread")]
async fn the_pool_size_bounds_what_runs_at_once() {
    let server = one().await;
    let database = testkit::postgres().await;
    let mut config = config(&database);
    config["poolSize"] = json!(1);
    let id = connection(&server, &config).await;
    // Whoever comes second would not get the lock, and fail.
    let locked = "WITH taken AS (SELECT pg_try_advisory_xact_lock(1) AS got) \
        SELECT CASE WHEN got THEN pg_sleep(0.05)::text ELSE (1 / got::int)::text END AS x \
        FROM taken";
    let calls = (0..5).map(|_| execute(&server, &id, sql(locked, &[]), json!({})));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer["Rows"].is_array()), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reads_and_writes_a_database() {
    for server in both().await {
        let database = testkit::postgres().await;
        let id = connection(&server, &config(&database)).await;
        execute(&server, &id, sql("CREATE TABLE t (id INT, name TEXT)", &[]), json!({})).await;
        let insert = json!({
            "config": { "configType": "postgres", "parameters": ["{{Id*}}", "{{Name}}"],
                "statement": "INSERT INTO t VALUES ($1, $2), ($1 + 1, 'next') RETURNING *" },
            "outputs": { "Code": { "value": "statusCode" },
                "Items": { "value": "body.rows", "children": { "N": "current.id" } } } });
        operation(&server, &id, "Add", insert).await;
        let name = "<%= @values['Name'] %>";
        let inputs = [("Id", "7"), ("Name", name)];
        let tree = crate::connections::tree("Adds", "Stores", "Add", &inputs);
        assert_eq!(save(&server, &tree).await, [""; 0]);
        let ran = run(&server, "Adds", &json!({ "values": { "Name": "say 'hi'" } })).await;
        assert_eq!(ran["state"], "Complete", "{ran:#}");
        assert_eq!(ran["tasks"][2]["results"]["output"], "[{\"N\":7},{\"N\":8}]");
        let all = execute(&server, &id, sql("SELECT * FROM t ORDER BY id", &[]), json!({})).await;
        let expect = json!([{ "id": 7, "name": "say 'hi'" }, { "id": 8, "name": "next" }]);
        assert_eq!(all["Rows"], expect);
        let path = format!("/connections/{id}/usage");
        let usage = ask(&server, Method::GET, &path, &Value::Null).await.ok();
        assert_eq!(usage["trees"][0]["nodes"][0]["operation"], "Add");

        // What the database says is the error of the run.
        let bad = crate::connections::tree("Bad", "Stores", "Add", &[("Id", "seven")]);
        save(&server, &bad).await;
        let failed = run(&server, "Bad", &json!({})).await;
        assert_eq!(failed["state"], "Error");
        let errors = "/app/components/task/app/api/v2/errors?include=details";
        let errors = server.ask(ADMIN, Method::GET, errors, None).await.ok().to_string();
        assert!(errors.contains("22P02"), "{errors}");
    }
}
