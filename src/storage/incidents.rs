//! Incidents: one row per cause (TRC-2). An occurrence opens the row, opens it again, or is counted in it.

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    engine::{Row, Tx, Value},
    exchanges::Owner,
    listing::Conditions,
};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
};

/// A row of `incident`: ids, dates and codes, never personal data.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentRow {
    /// Its id, which its cause gives.
    pub id: Uuid,
    /// What failed, by the list of codes of the domain.
    pub code: String,
    /// In which project, where in one.
    pub project: Option<String>,
    /// Partner and environment.
    pub owner: Owner,
    /// For which exchange, where for one: that of its last occurrence, where its cause may meet several.
    pub exchange_id: Option<Uuid>,
    /// `open`, `acknowledged` or `resolved`.
    pub state: String,
    /// How often it occurred, from its first time on.
    pub count: u64,
    /// When it occurred first.
    pub first_at: Timestamp,
    /// Since when it lasts: when it was last opened.
    pub opened_at: Timestamp,
    /// When it occurred last.
    pub last_at: Timestamp,
    /// When an operator took note of it, and who.
    pub acknowledged: Option<(Timestamp, String)>,
    /// When it was resolved; by whom, where it was not by itself.
    pub resolved: Option<(Timestamp, Option<String>)>,
    /// When somebody was called about it, by whom, and what was said.
    pub called: Option<Call>,
    /// Before when no mail is sent about it.
    pub mail_after: Timestamp,
    /// When the last mail left.
    pub mailed_at: Option<Timestamp>,
    /// The particulars of its last occurrence.
    pub detail: Json,
}

/// The record of a call (TRC-2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// Who called.
    pub by: String,
    /// What came of it.
    pub note: String,
}

/// What an occurrence did to its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is the first of its cause.
    Opened,
    /// Its cause had gone and came back.
    Reopened,
    /// Its row stood open; it was counted.
    Counted,
}

statements! {
    INSERT = "INSERT INTO incident (id, code, project, partner, environment, exchange_id, state, count, first_at, opened_at, \
        last_at, mail_after, detail) VALUES ($1, $2, $3, $4, $5, $6, 'open', 1, $7, $7, $7, $7, $8) ON CONFLICT (id) DO NOTHING";
    REOPEN = "UPDATE incident SET state = 'open', count = count + 1, opened_at = $1, last_at = $1, acknowledged_at = NULL, \
        acknowledged_by = NULL, resolved_at = NULL, resolved_by = NULL, called_at = NULL, called_by = NULL, call_note = NULL, \
        detail = $2, exchange_id = $3 WHERE id = $4 AND state = 'resolved'";
    COUNT = "UPDATE incident SET count = count + 1, last_at = $1, detail = $2, exchange_id = $3 WHERE id = $4";
    RESOLVE = "UPDATE incident SET state = 'resolved', resolved_at = $1, resolved_by = $2 WHERE id = $3 AND state <> 'resolved'";
    ACKNOWLEDGE = "UPDATE incident SET state = 'acknowledged', acknowledged_at = $1, acknowledged_by = $2 \
        WHERE id = $3 AND state = 'open'";
    CALLED = "UPDATE incident SET called_at = $1, called_by = $2, call_note = $3 WHERE id = $4";
    MAILED = "UPDATE incident SET mailed_at = $1, mail_after = $2 WHERE id = $3";
    NOT_BEFORE = "UPDATE incident SET mail_after = $1 WHERE id = $2";
    FIND = "SELECT id, code, project, partner, environment, exchange_id, state, count, first_at, opened_at, last_at, \
        acknowledged_at, acknowledged_by, resolved_at, resolved_by, called_at, called_by, call_note, mail_after, mailed_at, \
        detail FROM incident WHERE id = $1";
    STANDING = "SELECT state, count(*) FROM incident WHERE state IN ('open', 'acknowledged') GROUP BY state";
    OPEN_FOR = "SELECT 1 FROM incident WHERE exchange_id = $1 AND state <> 'resolved' LIMIT 1";
}

/// What a list is narrowed to; all given filters hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// These states only.
    pub states: Option<Vec<String>>,
    /// This code only.
    pub code: Option<String>,
    /// This project only.
    pub project: Option<String>,
    /// Those of these projects, and those of the gateway itself.
    pub projects_or_house: Option<Vec<String>>,
    /// This exchange only.
    pub exchange_id: Option<Uuid>,
    /// Only those opened before, by date and id: the cursor.
    pub before: Option<(Timestamp, Uuid)>,
}

impl Filter {
    /// A filter with every condition, for the preparation test.
    pub(super) fn every() -> Self {
        Self {
            states: Some(vec![String::new(); 2]),
            code: Some(String::new()),
            project: Some(String::new()),
            projects_or_house: Some(vec![String::new(); 2]),
            exchange_id: Some(Uuid::nil()),
            before: Some((Timestamp::UNIX_EPOCH, Uuid::nil())),
        }
    }
}

/// Notes an occurrence: `row` is what a first one leaves. A later one brings its particulars, and the exchange that is in trouble
/// now: the one before is out of it, and nobody's incident any more.
pub fn note(tx: &mut Tx<'_>, row: &IncidentRow) -> Result<Noted> {
    let r = row.clone();
    let values = params![
        r.id,
        r.code,
        r.project,
        r.owner.partner,
        r.owner.environment,
        r.exchange_id,
        r.last_at,
        &r.detail
    ];
    if tx.execute(INSERT, &values)? == 1 {
        return Ok(Noted::Opened);
    }
    let values = params![r.last_at, r.detail, r.exchange_id, r.id];
    if tx.execute(REOPEN, &values)? == 1 {
        return Ok(Noted::Reopened);
    }
    tx.execute(COUNT, &values)?;
    Ok(Noted::Counted)
}

/// Resolves an incident, by itself where nobody is named; `false` where there is none, or it is resolved already.
pub fn resolve(tx: &mut Tx<'_>, id: Uuid, at: Timestamp, by: Option<&str>) -> Result<bool> {
    Ok(tx.execute(RESOLVE, &params![at, by, id])? == 1)
}

/// Notes that an operator has taken note; `false` where the incident is not open.
pub fn acknowledge(tx: &mut Tx<'_>, id: Uuid, at: Timestamp, by: &str) -> Result<bool> {
    Ok(tx.execute(ACKNOWLEDGE, &params![at, by, id])? == 1)
}

/// Keeps the record of a call; `false` where there is no such incident.
pub fn called(tx: &mut Tx<'_>, id: Uuid, call: &Call) -> Result<bool> {
    let values = params![call.at, &call.by, &call.note, id];
    Ok(tx.execute(CALLED, &values)? == 1)
}

/// Notes that a mail left, and before when no other shall.
pub fn mailed(tx: &mut Tx<'_>, id: Uuid, at: Timestamp, next: Timestamp) -> Result<()> {
    tx.execute(MAILED, &params![at, next, id]).map(drop)
}

/// Sets before when no mail is sent about it.
pub fn no_mail_before(tx: &mut Tx<'_>, id: Uuid, next: Timestamp) -> Result<()> {
    tx.execute(NOT_BEFORE, &params![next, id]).map(drop)
}

/// The incident of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<IncidentRow>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(incident)
        .transpose()
}

/// Whether an incident of this exchange is not resolved: what keeps it from the purge.
pub fn open_for(tx: &mut Tx<'_>, exchange: Uuid) -> Result<bool> {
    Ok(tx.first(OPEN_FOR, &params![exchange])?.is_some())
}

/// How many incidents stand open, and how many acknowledged.
pub fn standing(tx: &mut Tx<'_>) -> Result<Vec<(String, u64)>> {
    let rows = tx.query(STANDING, &[])?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// At most `limit` incidents, the one opened last first.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, limit: u32) -> Result<Vec<IncidentRow>> {
    let (sql, values) = statement(filter, limit);
    tx.query(&sql, &values)?.iter().map(incident).collect()
}

const COLUMNS: &str = "id, code, project, partner, environment, exchange_id, state, count, first_at, opened_at, last_at, \
    acknowledged_at, acknowledged_by, resolved_at, resolved_by, called_at, called_by, call_note, mail_after, mailed_at, detail";

/// The list's statement: only the conditions that are asked for, so that each has its index.
pub(super) fn statement(filter: &Filter, limit: u32) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    let f = filter.clone();
    conditions.any("state", f.states);
    conditions.add("code =", f.code);
    conditions.add("project =", f.project);
    conditions.add("exchange_id =", f.exchange_id);
    conditions.any("project IS NULL OR project", f.projects_or_house);
    let Conditions {
        mut text,
        mut values,
    } = conditions;
    if let Some((at, id)) = f.before {
        values.extend(params![at, id]);
        let n = values.len();
        text.push(format!("(opened_at, id) < (${}, ${n})", n - 1));
    }
    let narrowed = match text.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", text.join(" AND ")),
    };
    values.push(limit.into());
    let sql = format!(
        "SELECT {COLUMNS} FROM incident{narrowed} ORDER BY opened_at DESC, id DESC LIMIT ${}",
        values.len()
    );
    (sql, values)
}

fn incident(row: &Row) -> Result<IncidentRow> {
    let moment = |index| Ok(row.get::<Option<i64>>(index)?.map(instant));
    let text = |index| row.get::<Option<String>>(index);
    let called = moment(15)?.zip(text(16)?);
    let note = text(17)?.unwrap_or_default();
    Ok(IncidentRow {
        id: row.get(0)?,
        code: row.get(1)?,
        project: row.get(2)?,
        owner: Owner {
            partner: row.get(3)?,
            environment: row.get(4)?,
        },
        exchange_id: row.get(5)?,
        state: row.get(6)?,
        count: row.get(7)?,
        first_at: instant(row.get(8)?),
        opened_at: instant(row.get(9)?),
        last_at: instant(row.get(10)?),
        acknowledged: moment(11)?.zip(text(12)?),
        resolved: match moment(13)? {
            Some(at) => Some((at, text(14)?)),
            None => None,
        },
        called: called.map(|(at, by)| Call { at, by, note }),
        mail_after: instant(row.get(18)?),
        mailed_at: moment(19)?,
        detail: row.get(20)?,
    })
}
