//! The reports of the batches (R62): a line for each run, and the ids of what it did in parts.

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
    storage::engine::{Row, Tx},
};

/// A row of `hub_report`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportRow {
    /// The run.
    pub id: Uuid,
    /// The environment.
    pub environment: String,
    /// Which batch.
    pub batch: String,
    /// Who ran it: an operator, or `navette` by the clock.
    pub run_by: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; nothing while it runs, and for good where it died.
    pub ended_at: Option<Timestamp>,
    /// The code of the fault that stopped it.
    pub fault: Option<String>,
    /// Its sums.
    pub body: Json,
}

statements! {
    BEGIN = "INSERT INTO hub_report (id, environment, batch, dry_run, run_by, started_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    END = "UPDATE hub_report SET ended_at = $1, fault = $2, body = $3 WHERE id = $4";
    ADD = "INSERT INTO hub_report_part (report_id, ordinal, body) VALUES ($1, $2, $3)";
    PARTS = "SELECT ordinal, body FROM hub_report_part WHERE report_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3";
    FIND = "SELECT id, environment, batch, run_by, started_at, ended_at, fault, body FROM hub_report WHERE id = $1";
    LIST = "SELECT id, environment, batch, run_by, started_at, ended_at, fault, body FROM hub_report \
        ORDER BY started_at DESC, id DESC LIMIT $1";
    LIST_OF = "SELECT id, environment, batch, run_by, started_at, ended_at, fault, body FROM hub_report WHERE batch = $1 \
        ORDER BY started_at DESC, id DESC LIMIT $2";
}

/// Notes that a run begins.
pub fn begin(tx: &mut Tx<'_>, report: &ReportRow) -> Result<()> {
    let r = report.clone();
    let values = params![
        r.id,
        r.environment,
        r.batch,
        false,
        r.run_by,
        r.started_at,
        r.body
    ];
    tx.execute(BEGIN, &values).map(drop)
}

/// Notes that a run has ended, and why where it was early.
pub fn end(
    tx: &mut Tx<'_>,
    id: Uuid,
    at: Timestamp,
    fault: Option<&str>,
    body: &Json,
) -> Result<()> {
    tx.execute(END, &params![at, fault, body, id]).map(drop)
}

/// Adds a part, numbered from 1.
pub fn add(tx: &mut Tx<'_>, id: Uuid, ordinal: u32, body: &Json) -> Result<()> {
    tx.execute(ADD, &params![id, ordinal, body]).map(drop)
}

/// At most `limit` parts behind the one of that ordinal, each with its own.
pub fn parts(tx: &mut Tx<'_>, id: Uuid, after: u32, limit: u32) -> Result<Vec<(u32, Json)>> {
    let rows = tx.query(PARTS, &params![id, after, limit])?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// The report of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<ReportRow>> {
    let row = tx.first(FIND, &params![id])?;
    row.as_ref().map(report).transpose()
}

/// At most `limit` reports, the newest first, of one batch or of all.
pub fn list(tx: &mut Tx<'_>, batch: Option<&str>, limit: u32) -> Result<Vec<ReportRow>> {
    let rows = match batch {
        Some(batch) => tx.query(LIST_OF, &params![batch, limit])?,
        None => tx.query(LIST, &params![limit])?,
    };
    rows.iter().map(report).collect()
}

fn report(row: &Row) -> Result<ReportRow> {
    Ok(ReportRow {
        id: row.get(0)?,
        environment: row.get(1)?,
        batch: row.get(2)?,
        run_by: row.get(3)?,
        started_at: instant(row.get(4)?),
        ended_at: row.get::<Option<i64>>(5)?.map(instant),
        fault: row.get(6)?,
        body: row.get(7)?,
    })
}
