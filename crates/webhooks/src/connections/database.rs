//! The config of a connection to a database, as a document.

use super::documents::Reader;
use model::connection::{Connection, POSTGRES};
use model::limits;
use serde_json::{Map, Value, json};

/// Statements at once when the document says nothing.
const POOL_SIZE: i64 = 5;

impl Reader<'_> {
    /// Reads and checks the config of a connection to PostgreSQL.
    pub(super) fn database(
        &mut self,
        connection: &Connection,
        given: &Map<String, Value>,
    ) -> Value {
        let known = [
            "configType",
            "host",
            "port",
            "username",
            "password",
            "database",
            "caCert",
            "poolSize",
        ];
        self.only("config.", given, &known);
        let mut required = |member: &str| {
            let text = self.text(given, member, limits::NAME_CHARS_MAX).unwrap_or_default();
            if text.trim().is_empty() || text.contains(char::is_control) {
                self.refuse(format!("The {member} must be text and not blank"));
            }
            text.trim().to_owned()
        };
        let [host, username, database] = ["host", "username", "database"].map(&mut required);
        let port = self.number(given, "port", None, 1..=i64::from(u16::MAX));
        if self.problems.is_empty()
            && let Err(refusal) =
                self.sender.guard().judge_host(&host, port.try_into().unwrap_or(0))
        {
            self.refuse(format!("The host cannot be called: {refusal}"));
        }
        let pool = self.number(given, "poolSize", Some(POOL_SIZE), 1..=limits::POOL_SIZE_MAX);
        let authority = self.certificate(given);
        let password = self.password(connection, given.get("password"));
        json!({ "configType": POSTGRES, "host": host, "port": port, "username": username,
            "password": password, "database": database, "caCert": authority, "poolSize": pool })
    }

    /// The password; an empty text is kept too, and says that there is none.
    fn password(&mut self, connection: &Connection, given: Option<&Value>) -> Value {
        if given.and_then(Value::as_str) == Some("") {
            return self.sealed(connection, "password", "");
        }
        let former = connection.config["password"].clone();
        self.secret(connection, "password", given, former)
    }

    fn number(
        &mut self,
        given: &Map<String, Value>,
        member: &str,
        usual: Option<i64>,
        range: std::ops::RangeInclusive<i64>,
    ) -> i64 {
        let number = match given.get(member) {
            None | Some(Value::Null) => usual,
            Some(value) => value.as_i64(),
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let (least, most) = range.into_inner();
                self.refuse(format!("The {member} must be a whole number of {least} to {most}"));
                least
            }
        }
    }
}
