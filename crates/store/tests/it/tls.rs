//! TLS to PostgreSQL: what was asked for is what happens.

use store::{Error, Limits, Options, Sql, Store};

const IN_USE: Sql =
    Sql::per("SELECT FALSE", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");

async fn is_encrypted(url: String) -> Result<bool, Error> {
    let limits =
        Limits { reconnect_time: std::time::Duration::from_millis(50), ..Limits::default() };
    let store = Store::open_with(&Options::Postgres { url }, limits).await?;
    store.read(|tx| tx.query_one(&IN_USE, &[], |row| row.bool(0))).await
}

#[tokio::test]
async fn sslmode_is_obeyed() {
    let database = testkit::postgres().await;
    let url = |query: &str| format!("{}?{query}", database.url());
    let certificate = testkit::certificate().display().to_string();
    for mode in ["disable", "prefer"] {
        assert!(!is_encrypted(url(&format!("sslmode={mode}"))).await.unwrap());
    }
    for mode in ["require", "verify-full"] {
        let trusted = url(&format!("sslmode={mode}&sslrootcert={certificate}"));
        assert!(is_encrypted(trusted).await.unwrap());
        let stranger = is_encrypted(url(&format!("sslmode={mode}"))).await;
        assert!(matches!(stranger, Err(Error::Unavailable { .. })), "{stranger:?}");
    }
    let missing = is_encrypted(url("sslmode=require&sslrootcert=/nowhere.pem")).await;
    assert!(matches!(missing, Err(Error::Unavailable { message }) if message.contains("/nowhere")));
}
