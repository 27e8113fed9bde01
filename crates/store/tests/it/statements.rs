//! Every statement of the crate prepares on both databases.

use store::Options;
use tokio_postgres::NoTls;

use crate::scan::{Found, statements};

#[tokio::test]
async fn every_statement_prepares_on_both() {
    let stores = testkit::both().await;
    let mut faults = Vec::new();
    for store in &stores {
        match store.options() {
            Options::Sqlite { path } => {
                let connection = rusqlite::Connection::open(path).unwrap();
                for Found { place, sqlite, .. } in statements() {
                    if let Err(error) = connection.prepare(&whole(&sqlite)) {
                        faults.push(format!("SQLite, {place}: {error}\n  {sqlite}"));
                    }
                }
            }
            Options::Postgres { url } => {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
                tokio::spawn(connection);
                for Found { place, postgres, .. } in statements() {
                    if let Err(error) = client.prepare(&whole(&postgres)).await {
                        let why = error.as_db_error().map_or("?", |said| said.message());
                        faults.push(format!("PostgreSQL, {place}: {why}\n  {postgres}"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn placeholders_are_numbered_without_gaps_and_nothing_is_cast_with_colons() {
    for Found { place, sqlite, postgres } in statements() {
        let counts = [numbers(&sqlite), numbers(&postgres)];
        assert_eq!(counts[0], counts[1], "{place}: the two texts take different values");
        let expect: Vec<u32> = (1..).take(counts[0].len()).collect();
        assert_eq!(counts[0], expect, "{place}: a gap in $1…$n");
        for text in [&sqlite, &postgres] {
            let bare: String = text.split('\'').step_by(2).collect();
            assert!(!bare.contains("::"), "{place}: write CAST(x AS type) for ::");
            assert!(!bare.contains('?'), "{place}: placeholders are $1…$n");
        }
    }
}

/// A statement that a `Select` finishes may end inside of a bracket.
fn whole(text: &str) -> String {
    let open = text.matches('(').count().saturating_sub(text.matches(')').count());
    if open == 0 { text.to_owned() } else { format!("{text}{} AS rest", ")".repeat(open)) }
}

/// The distinct numbers of placeholders, sorted.
fn numbers(text: &str) -> Vec<u32> {
    let bare: String = text.split('\'').step_by(2).collect();
    let mut numbers: Vec<u32> = bare
        .split('$')
        .skip(1)
        .filter_map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
