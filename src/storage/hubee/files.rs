//! Contents of attachments that go before their folder's row does: replaced (R14), withdrawn with their event (R36), purged
//! (R60), archived (R61).
//!
//! A document's row keeps its digest and its size and loses its key; its blob is queued, and removed once that is committed
//! ([`crate::domain::ged::purge::removal`]). Where no attachment names the document any more, its row goes with the blob
//! ([`forget`]): the journal has its digest.

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

const DROP_VERDICTS: &str = "DELETE FROM scan WHERE document_id IN ({})";
const FORGET: &str = "DELETE FROM document WHERE id IN ({}) AND role = 'attachment' AND purged_at IS NOT NULL \
    AND (SELECT count(*) FROM hub_attachment a WHERE a.document_id = document.id) = 0";

/// The statements over sets, each of one member, for the preparation test.
pub(in crate::storage) fn of_sets() -> Vec<(&'static str, String)> {
    let all = [
        ("QUEUE", QUEUE),
        ("EMPTY", EMPTY),
        ("QUEUE_OF_FOLDERS", QUEUE_OF_FOLDERS),
        ("EMPTY_OF_FOLDERS", EMPTY_OF_FOLDERS),
    ];
    let fixed = [Value::Null, Value::Null];
    let bare = [("DROP_VERDICTS", DROP_VERDICTS), ("FORGET", FORGET)];
    let all =
        all.map(|(name, template)| (name, sets::filled(template, &fixed, &[&[Value::Null]]).0));
    let bare =
        bare.map(|(name, template)| (name, sets::filled(template, &[], &[&[Value::Null]]).0));
    all.into_iter().chain(bare).collect()
}

/// Gives up contents that their sender has replaced or withdrawn, with the antivirus's word on them: nobody may ask for them any
/// more. `run` is any id of the caller's.
pub fn give_up(tx: &mut Tx<'_>, run: Uuid, at: Timestamp, documents: &[Uuid]) -> Result<()> {
    let ids: Vec<Value> = documents.iter().copied().map(Value::from).collect();
    sets::run(tx, DROP_VERDICTS, &[], &ids)?;
    discard(tx, run, at, documents)
}

/// Forgets contents that were given up and whose blobs are gone; what an attachment still names stays.
pub fn forget(tx: &mut Tx<'_>, documents: &[Uuid]) -> Result<()> {
    let ids: Vec<Value> = documents.iter().copied().map(Value::from).collect();
    sets::run(tx, FORGET, &[], &ids)
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
