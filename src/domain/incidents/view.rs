//! Incidents as they are shown: by the API, by the commands, and to a ticketing tool.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::Code;
use crate::{
    config::Config,
    domain::Context,
    kernel::fault::Result,
    storage::incidents::{self, Filter, IncidentRow},
};

/// An incident as it is shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Its id: the same each time its cause comes back.
    pub incident_id: Uuid,
    /// What failed, for a program.
    pub code: String,
    /// What failed, for a person.
    pub what_failed: &'static str,
    /// What to do about it.
    pub what_to_do: &'static str,
    /// In which project, where in one.
    pub project: Option<String>,
    /// The partner; `navette` where it concerns the gateway itself.
    pub partner: String,
    /// The environment.
    pub environment: String,
    /// For which exchange, where for one.
    pub reconciliation_id: Option<Uuid>,
    /// `open`, `acknowledged` or `resolved`.
    pub state: String,
    /// How often it occurred.
    pub count: u64,
    /// When first.
    pub first_at: Timestamp,
    /// Since when it lasts.
    pub opened_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<String>,
    resolved_at: Option<Timestamp>,
    resolved_by: Option<String>,
    /// The number to call.
    pub telephone: Option<String>,
    call: Option<Call>,
    mailed_at: Option<Timestamp>,
    /// The particulars of its last occurrence.
    pub detail: Json,
}

/// The record of a call.
#[derive(Clone, Debug, Serialize)]
struct Call {
    at: Timestamp,
    by: String,
    note: String,
}

impl Incident {
    /// What `row` shows, with the telephone number of its project.
    pub fn of(config: &Config, row: IncidentRow) -> Self {
        let telephone = config.alerts(row.project.as_deref()).telephone;
        Self::shown(row, telephone)
    }

    /// What `row` shows, with the number to call.
    pub(super) fn shown(row: IncidentRow, telephone: Option<String>) -> Self {
        // A code of a newer release has no text here.
        let code = Code::parse(&row.code).ok();
        let (acknowledged_at, acknowledged_by) = row.acknowledged.unzip();
        let (resolved_at, resolved_by) = row.resolved.unzip();
        Self {
            incident_id: row.id,
            what_failed: code.map_or("", Code::what_failed),
            what_to_do: code.map_or("", Code::what_to_do),
            code: row.code,
            project: row.project,
            partner: row.owner.partner,
            environment: row.owner.environment,
            reconciliation_id: row.exchange_id,
            state: row.state,
            count: row.count,
            first_at: row.first_at,
            opened_at: row.opened_at,
            last_at: row.last_at,
            acknowledged_at,
            acknowledged_by,
            resolved_at,
            resolved_by: resolved_by.flatten(),
            telephone,
            call: row.called.map(|call| Call {
                at: call.at,
                by: call.by,
                note: call.note,
            }),
            mailed_at: row.mailed_at,
            detail: row.detail,
        }
    }
}

/// A page of incidents, the one opened last first.
#[derive(Debug)]
pub struct Page {
    /// The incidents.
    pub items: Vec<Incident>,
    /// The cursor to go on from, where there are more.
    pub next: Option<String>,
}

/// A page of at most `limit` incidents.
pub async fn page(ctx: &Context, filter: Filter, limit: u32) -> Result<Page> {
    let found = ctx
        .store
        .read(move |tx| incidents::list(tx, &filter, limit + 1));
    let mut rows = found.await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| cursor(row.opened_at, row.id));
    let items = rows.into_iter().map(|row| Incident::of(&ctx.config, row));
    Ok(Page {
        items: items.collect(),
        next,
    })
}

/// The cursor behind an incident: its opening and its id, opaque to clients.
fn cursor(at: Timestamp, id: Uuid) -> String {
    let bytes = [&at.as_microsecond().to_be_bytes()[..], id.as_bytes()].concat();
    BASE64URL_NOPAD.encode(&bytes)
}

/// What a cursor stands for; `None` where it is none of ours.
pub fn behind(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let (at, id) = bytes.split_at_checked(8)?;
    let at = i64::from_be_bytes(at.try_into().ok()?);
    let at = Timestamp::from_microsecond(at).ok()?;
    Some((at, Uuid::from_slice(id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_date_and_id() {
        let at = Timestamp::from_microsecond(1_795_000_000_123_456).unwrap();
        let id = Uuid::from_u128(42);
        assert_eq!(behind(&cursor(at, id)), Some((at, id)));
        for other in ["", "x", "AAAA", "AAAAAAAAAAAAAAAA"] {
            assert_eq!(behind(other), None, "{other}");
        }
    }
}
