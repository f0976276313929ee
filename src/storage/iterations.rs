//! The deposits of a dossier: what came under each iteration, alone or in archives, and whether one before is missing. A batch
//! has several dossiers, so that what came in archives is looked for among their dossiers (`exchange_dossier`).

use jiff::Timestamp;

use super::{
    engine::{Row, Tx, Value},
    listing::Conditions,
};
use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
};

/// How many iterations before a piece's own are looked for.
const WINDOW: u32 = 1000;

/// One deposit: all pieces of one iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// The project.
    pub project: String,
    /// The sender's application.
    pub source_application: String,
    /// The iteration, from 1.
    pub iteration: u32,
    /// Its place among the deposits of that project and application, from 1.
    pub place: u32,
    /// How many pieces it has.
    pub pieces: u64,
    /// The returns of how many of them are acknowledged.
    pub acknowledged: u64,
    /// When its first piece came.
    pub first_at: Timestamp,
    /// When its last one came.
    pub last_at: Timestamp,
}

/// Where a page of deposits ended: project, application, iteration.
pub type Place = (String, String, u32);

/// Which deposits are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The client that sent them.
    pub client_id: String,
    /// The dossier, by the keyed hash of its id in each project where it may be.
    pub dossier_hashes: Vec<Sha256>,
    /// One source application.
    pub source_application: Option<String>,
    /// Only those behind this one: the cursor.
    pub after: Option<Place>,
}

impl Wanted {
    /// Every condition, for the preparation test.
    pub(super) fn every() -> Self {
        Self {
            client_id: String::new(),
            dossier_hashes: vec![[0; 32]; 2],
            source_application: Some(String::new()),
            after: Some((String::new(), String::new(), 1)),
        }
    }
}

statements! {
    EARLIER = "SELECT count(*) FROM (SELECT iteration FROM exchange WHERE dossier_hash = $1 AND source_application = $2 \
        AND iteration > 1 AND iteration >= $3 AND iteration < $4 \
        UNION SELECT x.iteration FROM exchange_dossier x JOIN exchange e ON e.id = x.exchange_id \
        WHERE x.dossier_hash = $1 AND e.source_application = $2 AND x.iteration >= $3 AND x.iteration < $4) earlier";
    INITIAL = "SELECT 1 FROM exchange WHERE dossier_hash = $1 AND source_application = $2 AND iteration = 1 LIMIT 1";
    INITIAL_IN_BATCH = "SELECT 1 FROM exchange_dossier x JOIN exchange e ON e.id = x.exchange_id \
        WHERE x.dossier_hash = $1 AND e.source_application = $2 AND x.iteration = 1 LIMIT 1";
}

/// Whether an iteration before `iteration` is missing, of the thousand before it.
pub fn is_earlier_missing(
    tx: &mut Tx<'_>,
    dossier: &Sha256,
    application: &str,
    iteration: u32,
) -> Result<bool> {
    if iteration <= 1 {
        return Ok(false);
    }
    let least = iteration.saturating_sub(WINDOW).max(2);
    let values = params![dossier, application, least, iteration];
    let found = tx.first(EARLIER, &values)?;
    let found: u32 = found.map_or(Ok(0), |row| row.get(0))?;
    if found < iteration - least {
        return Ok(true);
    }
    let initial = params![dossier, application];
    Ok(least == 2
        && tx.first(INITIAL, &initial)?.is_none()
        && tx.first(INITIAL_IN_BATCH, &initial)?.is_none())
}

/// Where the column of the dossier's hash stands in the conditions of both sources.
const HASH: &str = "dossier-hash";

/// Pieces that came alone.
const ALONE: &str = "SELECT e.project, e.source_application, e.iteration, e.status, e.received_at, CAST(1 AS bigint) AS pieces \
    FROM exchange e WHERE e.kind = 'piece' AND";

/// What was accepted of a dossier that came in an archive.
const WITHIN: &str = "SELECT e.project, e.source_application, x.iteration, e.status, e.received_at, \
    (SELECT count(*) FROM archive_piece p WHERE p.exchange_id = x.exchange_id AND p.dossier = x.ordinal \
    AND p.state = 'accepted') AS pieces \
    FROM exchange_dossier x JOIN exchange e ON e.id = x.exchange_id WHERE";

/// At most `limit` deposits, by project, application and iteration.
pub fn deposits(tx: &mut Tx<'_>, wanted: &Wanted, limit: u32) -> Result<Vec<Deposit>> {
    let (sql, values) = statement(wanted, limit);
    tx.query(&sql, &values)?.iter().map(deposit).collect()
}

pub(super) fn statement(wanted: &Wanted, limit: u32) -> (String, Vec<Value>) {
    let mut inner = Conditions::default();
    let w = wanted.clone();
    inner.add("e.client_id =", Some(w.client_id));
    inner.any(HASH, Some(w.dossier_hashes));
    inner.add("e.source_application =", w.source_application);
    let of_dossier = inner.text.join(" AND ");
    let (alone, within) = (
        of_dossier.replace(HASH, "e.dossier_hash"),
        of_dossier.replace(HASH, "x.dossier_hash"),
    );
    let behind = w.after.map_or(String::new(), |place| inner.behind(place));
    inner.values.push(limit.into());
    let sql = format!(
        "SELECT project, source_application, iteration, place, pieces, acknowledged, first_at, last_at FROM \
         (SELECT project, source_application, iteration, CAST(sum(pieces) AS bigint) AS pieces, \
         CAST(sum(CASE WHEN status = 'acknowledged' THEN pieces ELSE 0 END) AS bigint) AS acknowledged, \
         min(received_at) AS first_at, max(received_at) AS last_at, \
         row_number() OVER (PARTITION BY project, source_application ORDER BY iteration) AS place \
         FROM ({ALONE} {alone} UNION ALL {WITHIN} {within}) pieces \
         GROUP BY project, source_application, iteration HAVING sum(pieces) > 0) deposits \
         {behind} ORDER BY project, source_application, iteration LIMIT ${}",
        inner.values.len()
    );
    (sql, inner.values)
}

impl Conditions {
    /// What comes after that place, in the order of the list.
    fn behind(&mut self, (project, application, iteration): Place) -> String {
        let first = self.values.len() + 1;
        self.values.extend(params![project, application, iteration]);
        format!(
            "WHERE (project, source_application, iteration) > (${first}, ${}, ${})",
            first + 1,
            first + 2
        )
    }
}

fn deposit(row: &Row) -> Result<Deposit> {
    Ok(Deposit {
        project: row.get(0)?,
        source_application: row.get(1)?,
        iteration: row.get(2)?,
        place: row.get(3)?,
        pieces: row.get(4)?,
        acknowledged: row.get(5)?,
        first_at: instant(row.get(6)?),
        last_at: instant(row.get(7)?),
    })
}
