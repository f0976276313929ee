//! What keeps a file that was taken from being taken twice, and has its receipt left beside it.

use jiff::Timestamp;
use uuid::Uuid;

use super::taking::Taking;
use crate::{
    domain::{
        ged::documents::{Column, seal_bytes},
        jobs,
        journal::Subject,
    },
    kernel::{fault::Result, secret::Key},
    storage::{
        Prepared,
        depot_files::{self, DepotFileRow},
        exchanges::ExchangeRow,
        jobs as job_rows,
    },
};

/// The row that keeps the file from being taken twice, with the bytes of its receipt, sealed under the exchange's key.
pub fn file(
    taking: &Taking,
    key: &Key,
    exchange: Uuid,
    verdict: &str,
    (body, cms): (&[u8], &[u8]),
) -> Result<DepotFileRow> {
    let ctx = taking.ctx();
    Ok(DepotFileRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        exchange_id: exchange,
        owner: taking.owner.clone(),
        depot: taking.desk.depot.name.clone(),
        flow: taking.flow.name.clone(),
        name_hash: taking.name_hash,
        name: seal_bytes(ctx, key, Column::ArchiveName, taking.listed.name.as_bytes())?,
        size: taking.listed.size,
        modified: taking.listed.modified,
        verdict: verdict.to_owned(),
        receipt: seal_bytes(ctx, key, Column::Receipt, body)?,
        cms: seal_bytes(ctx, key, Column::Signature, cms)?,
        taken_at: ctx.clock.now(),
    })
}

/// The file's row and the job that leaves its receipt.
pub fn left_on_depot(
    taking: &Taking,
    file: &DepotFileRow,
    now: Timestamp,
) -> Result<[Prepared; 2]> {
    let lane = jobs::depot_lane(&file.depot);
    let job = jobs::new(
        taking.ctx(),
        jobs::Kind::Depot,
        &lane,
        file.id,
        &file.owner,
        now,
    )?;
    Ok([depot_files::insert(file), job_rows::queue(&job, now)])
}

/// Where an exchange's entries belong.
pub fn subject(exchange: &ExchangeRow) -> Subject {
    Subject {
        exchange_id: Some(exchange.id),
        project: Some(exchange.project.clone()),
        owner: exchange.owner.clone(),
    }
}
