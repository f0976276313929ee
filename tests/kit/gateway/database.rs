//! The database seen from beside the gateway: what a test counts there, and what it breaks there.
//!
//! Answers read the same on both engines: columns separated by `|`, ids with hyphens, other bytes as `\x` and hexadecimal.

use std::time::Duration;

use rusqlite::{Connection, types::ValueRef};

use super::Gateway;
use crate::kit::postgres;

/// How long a statement waits for the gateway's own transaction.
const BUSY: Duration = Duration::from_secs(10);

impl Gateway {
    /// Runs statements and gives the rows of the last, one a line.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        match self.database() {
            Some(url) => postgres::run(url, statements).trim_end().to_owned(),
            None => self.sqlite(statements),
        }
    }

    /// The number that a statement answers.
    #[track_caller]
    pub fn count(&self, statement: &str) -> u64 {
        let answer = self.sql(statement);
        answer
            .parse()
            .unwrap_or_else(|_| panic!("{statement}: {answer}"))
    }

    /// An id as the engine writes it in a statement.
    pub fn id(&self, id: &str) -> String {
        match self.database() {
            Some(_) => format!("'{id}'"),
            None => format!("x'{}'", id.replace('-', "")),
        }
    }

    fn sqlite(&self, statements: &str) -> String {
        let file = self.dir().join("data/navette.db");
        let database = Connection::open(file).expect("the gateway made it");
        database.busy_timeout(BUSY).expect("a setting");
        let (first, last) = match statements.trim_end_matches(';').rsplit_once(';') {
            Some((first, last)) => (first, last),
            None => ("", statements),
        };
        database.execute_batch(first).expect(first);
        let mut last = database.prepare(last).expect(last);
        let columns = last.column_count();
        let mut rows = last.query([]).expect("it takes no parameters");
        let mut lines = Vec::new();
        while let Some(row) = rows.next().expect("a row") {
            let values = (0..columns).map(|index| text(row.get_ref(index).expect("a column")));
            lines.push(values.collect::<Vec<_>>().join("|"));
        }
        lines.join("\n")
    }
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => match uuid::Uuid::from_slice(bytes) {
            Ok(id) => id.to_string(),
            Err(_) => format!("\\x{}", data_encoding::HEXLOWER.encode(bytes)),
        },
    }
}
