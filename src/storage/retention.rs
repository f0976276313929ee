//! What has outlived its term, and what keeps it from the purge.
//!
//! Candidates are walked in the order in which their terms end, by a cursor, so that a project with a year of held
//! dossiers costs each of them one look. What
//! the purge leaves of them is in [`super::purging`]; what it does not come to by itself in [`super::overdue`].

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Engine, Row, Tx},
    exchanges::Owner,
};
use crate::{
    kernel::{
        clock::instant,
        digest::Sha256,
        fault::{Fault, Result},
    },
    params, statements,
};

/// A place in the order of candidates: the acknowledgment's instant and the return's id.
pub type Place = (Timestamp, Uuid);

/// The place before all candidates.
pub const START: Place = (Timestamp::MIN, Uuid::nil());

/// An acknowledged exchange whose term is over.
#[derive(Clone, Debug)]
pub struct Due {
    /// When ASP acknowledged its return.
    pub acknowledged_at: Timestamp,
    /// The return.
    pub return_id: Uuid,
    /// The exchange.
    pub exchange_id: Uuid,
    /// `piece`, `archive` or `pli`.
    pub kind: String,
    /// Partner and environment.
    pub owner: Owner,
    /// The content's digest.
    pub sha256: Sha256,
    /// The exchange's own key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// Its sealed metadata.
    pub metadata: Vec<u8>,
    /// How many documents it has.
    pub documents: u64,
    /// Their bytes of text.
    pub bytes: u64,
    /// What keeps it.
    pub kept: Kept,
}

impl Due {
    /// Its place in the order of candidates.
    pub fn place(&self) -> Place {
        (self.acknowledged_at, self.return_id)
    }
}

/// What keeps an exchange from the purge although its term is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its dossier is on legal hold.
    pub hold: bool,
    /// An incident about it is not resolved.
    pub incident: bool,
    /// Work on it waits or runs, such as a redelivery.
    pub work: bool,
}

impl Kept {
    /// Whether anything keeps it.
    pub fn any(self) -> bool {
        self.hold || self.incident || self.work
    }
}

statements! {
    DUE = "SELECT r.acknowledged_at, r.id, e.id, e.partner, e.environment, e.sha256, e.wrapped_key, e.metadata, \
        (SELECT count(*) FROM document d WHERE d.exchange_id = e.id), \
        (SELECT CAST(COALESCE(sum(d.size), 0) AS bigint) FROM document d WHERE d.exchange_id = e.id AND d.container_id IS NULL), \
        EXISTS (SELECT 1 FROM legal_hold h WHERE h.project = e.project AND h.lifted_at IS NULL AND (h.dossier_hash = e.dossier_hash \
        OR h.dossier_hash IN (SELECT x.dossier_hash FROM exchange_dossier x WHERE x.exchange_id = e.id))), \
        EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = e.id AND i.state <> 'resolved'), \
        r.state <> 'delivered' OR EXISTS (SELECT 1 FROM job j WHERE j.subject IN (r.id, e.id)) \
        OR EXISTS (SELECT 1 FROM depot_file f WHERE f.exchange_id = e.id), e.kind \
        FROM exchange_return r JOIN exchange e ON e.id = r.exchange_id \
        WHERE r.project = $1 AND r.purged_at IS NULL AND r.acknowledged_at IS NOT NULL AND r.acknowledged_at < $2 \
        AND (r.acknowledged_at, r.id) > ($3, $4) ORDER BY r.acknowledged_at, r.id LIMIT $5";
    STILL_FREE = "SELECT e.id FROM exchange_return r JOIN exchange e ON e.id = r.exchange_id \
        WHERE r.project = $1 AND r.purged_at IS NULL AND r.acknowledged_at IS NOT NULL AND r.acknowledged_at < $2 \
        AND (r.acknowledged_at, r.id) > ($3, $4) AND (r.acknowledged_at, r.id) <= ($5, $6) AND r.state = 'delivered' \
        AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.project = e.project AND h.lifted_at IS NULL AND (h.dossier_hash = e.dossier_hash \
        OR h.dossier_hash IN (SELECT x.dossier_hash FROM exchange_dossier x WHERE x.exchange_id = e.id))) \
        AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = e.id AND i.state <> 'resolved') \
        AND NOT EXISTS (SELECT 1 FROM job j WHERE j.subject IN (r.id, e.id)) \
        AND NOT EXISTS (SELECT 1 FROM depot_file f WHERE f.exchange_id = e.id)";
    PROJECTS = "SELECT project FROM project_key WHERE purpose = 'wrap' ORDER BY project";
    ANY_OF = "SELECT 1 FROM exchange WHERE project = $1 AND status <> 'purged' LIMIT 1";
    FIND_PURGEABLE = "SELECT r.acknowledged_at, r.id, e.id, e.partner, e.environment, e.sha256, e.wrapped_key, e.metadata, \
        (SELECT count(*) FROM document d WHERE d.exchange_id = e.id), \
        (SELECT CAST(COALESCE(sum(d.size), 0) AS bigint) FROM document d WHERE d.exchange_id = e.id AND d.container_id IS NULL), \
        e.purged_at IS NOT NULL, false, false, e.kind, e.project \
        FROM exchange e LEFT JOIN exchange_return r ON r.exchange_id = e.id WHERE e.id = $1";
}

/// What PostgreSQL locks before it asks in another statement what keeps them: whoever would have one of these returns leave again
/// waits, and finds it purged; one that somebody is at is passed over. SQLite has one writer.
const LOCK_POSTGRES: &str = "SELECT r.exchange_id FROM exchange_return r \
    WHERE r.project = $1 AND r.purged_at IS NULL AND r.acknowledged_at IS NOT NULL AND r.acknowledged_at < $2 \
    AND (r.acknowledged_at, r.id) > ($3, $4) AND (r.acknowledged_at, r.id) <= ($5, $6) FOR NO KEY UPDATE SKIP LOCKED";

/// The tables that a purge leaves dead rows in.
pub const TABLES: [&str; 23] = [
    "archive",
    "archive_piece",
    "depot_file",
    "exchange",
    "exchange_dossier",
    "receipt",
    "exchange_return",
    "return_file",
    "document",
    "acknowledgment",
    "delivery_attempt",
    "redelivery",
    "idempotency_key",
    "result",
    "natural_key",
    "blob_removal",
    "hub_folder",
    "hub_case",
    "hub_attachment",
    "hub_case_attachment",
    "hub_event",
    "hub_notification",
    "hub_mail",
];

/// At most `limit` exchanges of `project` that were acknowledged before `cutoff`, from after `place`, with what keeps them.
pub fn due(
    tx: &mut Tx<'_>,
    project: &str,
    cutoff: Timestamp,
    place: Place,
    limit: u32,
) -> Result<Vec<Due>> {
    let values = params![project, cutoff, place.0, place.1, limit];
    tx.query(DUE, &values)?.iter().map(read).collect()
}

/// The exchanges of the same range, up to `last`, that nothing keeps: asked in the transaction that purges them, which nothing that
/// is asked of their returns goes by from then on.
pub fn still_free(
    tx: &mut Tx<'_>,
    project: &str,
    cutoff: Timestamp,
    place: Place,
    last: Place,
) -> Result<Vec<Uuid>> {
    let values = params![project, cutoff, place.0, place.1, last.0, last.1];
    let ids = |rows: Vec<Row>| -> Result<Vec<Uuid>> { rows.iter().map(|row| row.get(0)).collect() };
    let ours = match tx.engine() {
        Engine::Sqlite => None,
        Engine::Postgres => Some(ids(tx.query(LOCK_POSTGRES, &values)?)?),
    };
    let ours: Option<HashSet<Uuid>> = ours.map(HashSet::from_iter);
    let mut free = ids(tx.query(STILL_FREE, &values)?)?;
    free.retain(|id| ours.as_ref().is_none_or(|ours| ours.contains(id)));
    Ok(free)
}

/// Every project that ever kept anything, with whether it still does.
pub fn projects(tx: &mut Tx<'_>) -> Result<Vec<(String, bool)>> {
    let names = tx.query(PROJECTS, &[])?;
    let mut all = Vec::with_capacity(names.len());
    for row in names {
        let name: String = row.get(0)?;
        let keeps = tx.first(ANY_OF, &params![&name])?.is_some();
        all.push((name, keeps));
    }
    Ok(all)
}

/// One exchange as a purge sees it, whatever its term, with its project; nothing where it is purged or not there. For a
/// purge that is done again after a restoration.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<(String, Option<Uuid>, Due)>> {
    let Some(row) = tx.first(FIND_PURGEABLE, &params![id])? else {
        return Ok(None);
    };
    if row.get::<bool>(10)? {
        return Ok(None);
    }
    let return_id: Option<Uuid> = row.get(1)?;
    let project = row.get(14)?;
    Ok(Some((project, return_id, read(&row)?)))
}

/// The statement that one engine alone has, for the preparation test.
pub(super) fn of_engine(engine: Engine) -> Vec<(&'static str, &'static str)> {
    match engine {
        Engine::Sqlite => Vec::new(),
        Engine::Postgres => vec![("LOCK_POSTGRES", LOCK_POSTGRES)],
    }
}

fn read(row: &Row) -> Result<Due> {
    let acknowledged: Option<i64> = row.get(0)?;
    Ok(Due {
        acknowledged_at: instant(acknowledged.unwrap_or_default()),
        return_id: row.get::<Option<Uuid>>(1)?.unwrap_or(Uuid::nil()),
        exchange_id: row.get(2)?,
        kind: row.get(13)?,
        owner: Owner {
            partner: row.get(3)?,
            environment: row.get(4)?,
        },
        sha256: row.get(5)?,
        wrapped_key: row.get(6)?,
        metadata: row.get(7)?,
        documents: row.get(8)?,
        bytes: row.get(9)?,
        kept: Kept {
            hold: row.get(10)?,
            incident: row.get(11)?,
            work: row.get(12)?,
        },
    })
}

/// The lowest id that something begun at `at` could have.
pub fn first_id(at: Timestamp) -> Result<Uuid> {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
    match id.get_version_num() {
        7 => Ok(id),
        _ => Err(Fault::internal("an instant that no id can carry")),
    }
}
