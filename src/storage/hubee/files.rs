//! Contents of attachments that go before their folder's row does: replaced, purged (R60), archived (R61).
//!
//! A document's row keeps its digest and its size and loses its key; its blob is queued, and removed once that is committed
//! ([`crate::domain::ged::purge::removal`]).

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::fault::Result,
    params,
    storage::{
        engine::{Tx, Value},
        sets,
    },
};

const QUEUE: &str = "INSERT INTO blob_removal (document_id, purge_id, partner, environment, queued_at) \
    SELECT d.id, $1, d.partner, d.environment, $2 FROM document d WHERE d.id IN ({}) AND d.purged_at IS NULL \
    AND d.container_id IS NULL";
const EMPTY: &str = "UPDATE document SET purged_at = $1, wrapped_key = $2, file_name = NULL WHERE id IN ({}) AND purged_at IS NULL";
const QUEUE_OF_FOLDERS: &str = "INSERT INTO blob_removal (document_id, purge_id, partner, environment, queued_at) \
    SELECT d.id, $1, d.partner, d.environment, $2 FROM document d WHERE d.exchange_id IN ({}) AND d.purged_at IS NULL \
    AND d.container_id IS NULL";
const EMPTY_OF_FOLDERS: &str = "UPDATE document SET purged_at = $1, wrapped_key = $2, file_name = NULL \
    WHERE exchange_id IN ({}) AND purged_at IS NULL";

/// The statements over sets, each of one member, for the preparation test.
pub(in crate::storage) fn of_sets() -> Vec<(&'static str, String)> {
    let all = [
        ("QUEUE", QUEUE),
        ("EMPTY", EMPTY),
        ("QUEUE_OF_FOLDERS", QUEUE_OF_FOLDERS),
        ("EMPTY_OF_FOLDERS", EMPTY_OF_FOLDERS),
    ];
    let fixed = [Value::Null, Value::Null];
    all.map(|(name, template)| (name, sets::filled(template, &fixed, &[&[Value::Null]]).0))
        .into()
}

/// Gives up the contents of `documents`, for good, on behalf of `run`: a batch's run, or any id of the caller's. Those
/// that are gone already are passed over.
pub fn discard(tx: &mut Tx<'_>, run: Uuid, at: Timestamp, documents: &[Uuid]) -> Result<()> {
    both(tx, (QUEUE, EMPTY), run, at, documents)
}

/// Gives up every content of `folders`.
pub fn discard_of_folders(
    tx: &mut Tx<'_>,
    run: Uuid,
    at: Timestamp,
    folders: &[Uuid],
) -> Result<()> {
    both(tx, (QUEUE_OF_FOLDERS, EMPTY_OF_FOLDERS), run, at, folders)
}

fn both(
    tx: &mut Tx<'_>,
    (queue, empty): (&str, &str),
    run: Uuid,
    at: Timestamp,
    ids: &[Uuid],
) -> Result<()> {
    let ids: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    sets::run(tx, queue, &params![run, at], &ids)?;
    sets::run(tx, empty, &params![at, Vec::new()], &ids)
}
