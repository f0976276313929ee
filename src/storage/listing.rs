//! Lists of exchanges: each with where its return stands, narrowed as asked for, walked by a cursor.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Tx, Value},
    exchanges::{ExchangeRow, exchange},
    returns::{StateRow, state},
};
use crate::kernel::{digest::Sha256, fault::Result};

/// An exchange, and where its return stands once it has one.
pub type Listed = (ExchangeRow, Option<StateRow>);

const COLUMNS: &str = "e.id, e.kind, e.client_id, e.partner, e.environment, e.project, e.source_application, e.iteration, \
    e.status, e.received_at, e.request_bytes, e.dossier_hash, e.size, e.sha256, e.key_id, e.wrapped_key, e.metadata, \
    e.earlier_missing, e.repetitions, r.id, r.outcome, r.state, r.attempts, r.next_attempt_at, r.acknowledged_at, r.created_at";
/// How many of them are the exchange's.
const EXCHANGE_COLUMNS: usize = 19;

/// How an exchange came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// With the first deposit of its dossier.
    First,
    /// With a later one.
    Later,
    /// More than once.
    Repeated,
}

impl Reception {
    /// Written out, for the partial indices of the rare ones.
    fn condition(self) -> &'static str {
        match self {
            Self::First => "e.iteration = 1",
            Self::Later => "e.iteration > 1",
            Self::Repeated => "e.repetitions > 0",
        }
    }
}

/// What a list of exchanges is narrowed to; all given filters hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The client that sent them (always set for a client's own list).
    pub client_id: Option<String>,
    /// One project.
    pub project: Option<String>,
    /// One source application.
    pub source_application: Option<String>,
    /// One dossier, by the keyed hash of its id in each project where it may be.
    pub dossier_hashes: Option<Vec<Sha256>>,
    /// One iteration.
    pub iteration: Option<u32>,
    /// One status.
    pub status: Option<String>,
    /// One content.
    pub sha256: Option<Sha256>,
    /// One way of having come in.
    pub reception: Option<Reception>,
    /// Received at or after.
    pub received_after: Option<Timestamp>,
    /// Received before.
    pub received_before: Option<Timestamp>,
    /// Only those older than this id: the cursor.
    pub before_id: Option<Uuid>,
}

/// At most `limit` exchanges, newest first, each with where its return stands.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, limit: u32) -> Result<Vec<Listed>> {
    let (sql, values) = statement(filter, limit);
    let rows = tx.query(&sql, &values)?;
    rows.iter()
        .map(|row| Ok((exchange(row)?, state(row, EXCHANGE_COLUMNS)?)))
        .collect()
}

/// The list's statement: only the conditions that are asked for, so that each has its index.
pub(super) fn statement(filter: &Filter, limit: u32) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    let f = filter.clone();
    conditions.add("e.client_id =", f.client_id);
    conditions.add("e.project =", f.project);
    conditions.add("e.source_application =", f.source_application);
    conditions.any("e.dossier_hash", f.dossier_hashes);
    conditions.add("e.iteration =", f.iteration);
    conditions.add("e.status =", f.status);
    conditions.add("e.sha256 =", f.sha256);
    let reception = f.reception.map(Reception::condition);
    conditions.text.extend(reception.map(str::to_owned));
    conditions.add("e.received_at >=", f.received_after);
    conditions.add("e.received_at <", f.received_before);
    conditions.add("e.id <", f.before_id);
    // What came in archives is their depots' to list.
    conditions.text.push("e.kind = 'piece'".to_owned());
    conditions.values.push(limit.into());
    let sql = format!(
        "SELECT {COLUMNS} FROM exchange e LEFT JOIN exchange_return r ON r.exchange_id = e.id \
         WHERE {} ORDER BY e.id DESC LIMIT ${}",
        conditions.text.join(" AND "),
        conditions.values.len()
    );
    (sql, conditions.values)
}

/// The conditions of a list's statement: only those that are asked for, so that each has its index.
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) text: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    pub(super) fn add(&mut self, column: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.push(value.into());
            self.text.push(format!("{column} ${}", self.values.len()));
        }
    }

    pub(super) fn any(&mut self, column: &str, values: Option<Vec<impl Into<Value>>>) {
        let Some(values) = values else { return };
        let first = self.values.len() + 1;
        let places: Vec<_> = (first..first + values.len())
            .map(|n| format!("${n}"))
            .collect();
        self.values.extend(values.into_iter().map(Into::into));
        self.text
            .push(format!("({column} IN ({}))", places.join(", ")));
    }
}
