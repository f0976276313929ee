//! A refused archive: nothing of it is kept but its name, its digest and its negative receipt, which is its one return.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    examined::Examined,
    flip, lease, leftovers,
    record::Record,
    spool::Spooled,
    taking::{Taken, Taking},
};
use crate::{
    domain::exchanges::ReturnState,
    kernel::{failpoint, fault::Result},
    storage::{
        archives,
        returns::{self, ReturnRow},
    },
};

/// The outcome of a return that is a negative receipt.
pub const REJECTED: &str = "rejected";
/// How many staged rows of each kind one transaction takes out.
const BATCH: u32 = 500;

/// Writes the refusal, then removes the blobs.
pub async fn refuse(taking: &Taking, spooled: &Spooled, examined: &Examined) -> Result<Taken> {
    unstage(taking).await?;
    let record = Record::new(taking, spooled, examined)?;
    let answer = answer(taking, &record);
    let (depot, token) = (taking.desk.depot.name.clone(), taking.desk.token);
    let written = Arc::new((record, answer));
    failpoint::hit("archive.before-refusal");
    let refused = taking.ctx().store.write(move |tx| {
        let (record, answer) = &*written;
        lease::demand(tx, &depot, token)?;
        flip::write(tx, record)?;
        returns::once(tx, record.exchange.id, answer.id)?;
        returns::insert(tx, answer)
    });
    refused.await?;
    failpoint::hit("archive.after-refusal");
    taking.ctx().bell.notify_one();
    leftovers::remove_blobs(taking, spooled, Some(examined)).await;
    Ok(Taken::Archive(examined.outcome))
}

/// The one return of a refused archive: its receipt, acknowledged by standing on the depot.
fn answer(taking: &Taking, record: &Record) -> ReturnRow {
    let receipt = &record.receipt;
    ReturnRow {
        id: receipt.id,
        exchange_id: record.exchange.id,
        owner: taking.owner.clone(),
        project: taking.project.name.clone(),
        outcome: REJECTED.to_owned(),
        state: ReturnState::Pending.as_str().to_owned(),
        attempts: 0,
        next_attempt_at: None,
        acknowledged_at: None,
        key_id: record.exchange.key_id,
        // What it says stands in the receipt.
        body: Bytes::new(),
        created_at: receipt.created_at,
        redelivery_id: None,
    }
}

/// Takes out what was staged before the last judgement.
async fn unstage(taking: &Taking) -> Result<()> {
    let (exchange, token) = (taking.exchange_id, taking.desk.token);
    loop {
        let depot = taking.desk.depot.name.clone();
        let written = taking.ctx().store.write(move |tx| {
            lease::demand(tx, &depot, token)?;
            archives::unstage(tx, exchange, BATCH)
        });
        if written.await? == 0 {
            return Ok(());
        }
    }
}
