//! The short transaction in which an archive becomes visible, with its receipt, its journal entry and its first jobs.

use std::sync::Arc;

use uuid::Uuid;

use super::{examined::Examined, lease, record::Record, spool::Spooled, taking::Taking};
use crate::{
    domain::archives::kept::archive_key,
    kernel::{
        digest::Sha256,
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{Tx, archives, exchanges},
};

/// What the transaction found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flipped {
    /// The archive is here.
    Visible,
    /// The same archive has come by another way meanwhile.
    Known(Uuid),
    /// Accepted uids stand for other contents.
    Conflicts,
}

/// Makes the archive visible.
pub async fn flip(taking: &Taking, spooled: &Spooled, examined: &Examined) -> Result<Flipped> {
    let mut record = Record::new(taking, spooled, examined)?;
    record.and_process(taking)?;
    let header = examined.checked.manifest.as_ref();
    let application = header.map_or("", |manifest| &manifest.source_application);
    let commit = Arc::new(Commit {
        key: archive_key(
            &taking.keys,
            (&taking.project.name, application),
            &spooled.sha256(),
            spooled.manifest_sha256().as_deref(),
        ),
        token: taking.desk.token,
        depot: taking.desk.depot.name.clone(),
        record,
    });
    failpoint::hit("archive.before-flip");
    let written = taking.ctx().store.write(move |tx| commit.write(tx));
    match written.await {
        Err(fault) if fault.code() == Code::PieceConflict => Ok(Flipped::Conflicts),
        Err(fault) => Err(fault),
        Ok(flipped) => {
            failpoint::hit("archive.after-flip");
            taking.ctx().bell.notify_one();
            Ok(flipped)
        }
    }
}

struct Commit {
    key: Sha256,
    token: Uuid,
    depot: String,
    record: Record,
}

impl Commit {
    fn write(&self, tx: &mut Tx<'_>) -> Result<Flipped> {
        lease::demand_at_first(tx, &self.depot, self.token)?;
        let exchange = &self.record.exchange;
        if let Some(known) = exchanges::claim(tx, &self.key, exchange.id, &exchange.sha256)? {
            return Ok(Flipped::Known(known.exchange_id));
        }
        if !archives::claim_pieces(tx, exchange.id, self.record.finish.accepted)? {
            // Rolls back what was claimed.
            return Err(Fault::new(
                Code::PieceConflict,
                "Une pièce a déjà été acceptée avec un autre contenu.",
            ));
        }
        write(tx, &self.record)?;
        Ok(Flipped::Visible)
    }
}

/// What accepted and refused archives write alike.
pub fn write(tx: &mut Tx<'_>, record: &Record) -> Result<()> {
    if !archives::finish(tx, &record.finish)? {
        return Err(Fault::unavailable("the archive is being taken by another"));
    }
    tx.run_all(&record.statements)?;
    for over in &record.over {
        over.close(tx)?;
    }
    if let Some(transfer) = &record.transfer {
        transfer.write(tx)?;
    }
    match &record.ticket {
        Some(ticket) => ticket.open(tx).map(drop),
        None => Ok(()),
    }
}
