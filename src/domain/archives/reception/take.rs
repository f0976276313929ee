//! One file of a depot that is here, to its receipt's job: looked at, staged, flipped. Its bytes come by
//! [`Spooling`](super::spooling::Spooling).

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Desk, conflicts,
    examine::{self, Examined},
    flip::{self, Flipped},
    lease, leftovers, refuse, repeat,
    spool::Spooled,
    stage,
};
use crate::{
    codec::Limits,
    config::{
        Project,
        depots::{Flow, Incoming},
    },
    domain::{Context, ged::ProjectKeys, receipts::archive::Outcome},
    kernel::{
        digest::Sha256,
        fault::{Fault, Result},
        secret::Key,
    },
    storage::{
        archives::{self, ArchiveRow},
        exchanges::{DocumentRow, Owner},
    },
    transport::{Listed, path},
    vault::Stored,
};

/// How often an archive is judged anew because others have taken its pieces' keys meanwhile.
const JUDGEMENTS: u32 = 4;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is here, and its receipt is on its way.
    Archive(Outcome),
    /// It had come before: the first receipt is on its way again.
    Duplicate,
}

/// A file that is being taken.
pub struct Taking {
    /// Where and by whom.
    pub desk: Desk,
    /// The flow that it lies in.
    pub flow: Flow,
    /// The flow's rules.
    pub incoming: Incoming,
    /// What it was when it was seen.
    pub listed: Listed,
    /// The flow's project.
    pub project: Arc<Project>,
    /// The project's keys.
    pub keys: Arc<ProjectKeys>,
    /// The exchange that it becomes.
    pub exchange_id: Uuid,
    /// The exchange's own key.
    pub key: Key,
    /// The same, wrapped.
    pub wrapped_key: Vec<u8>,
    /// The keyed hash of its name.
    pub name_hash: Sha256,
    /// Partner and environment.
    pub owner: Owner,
}

impl Taking {
    /// A file that is not here yet.
    pub(super) async fn new(
        desk: &Desk,
        flow: &Flow,
        incoming: &Incoming,
        listed: Listed,
    ) -> Result<Self> {
        let project = desk.ctx.project(&flow.project)?;
        let keys = desk.ctx.keyring.project(&project.name).await?;
        let (key, wrapped_key) = keys.fresh(&desk.ctx.entropy)?;
        Ok(Self {
            name_hash: keys.hash(&listed.name),
            owner: desk.owner(),
            exchange_id: desk.ctx.entropy.uuid(&desk.ctx.clock)?,
            desk: desk.clone(),
            flow: flow.clone(),
            incoming: incoming.clone(),
            listed,
            project,
            keys,
            key,
            wrapped_key,
        })
    }

    /// The house.
    pub fn ctx(&self) -> &Context {
        &self.desk.ctx
    }

    /// What an archive may cost.
    pub fn limits(&self) -> Limits {
        Limits {
            bytes: self.ctx().config.gateway.limits.archive,
            ..Limits::default()
        }
    }

    /// Where the file lies.
    pub fn path(&self) -> Result<String> {
        path::join(&self.flow.path, &self.listed.name)
    }

    /// The row of one of the archive's blobs.
    pub fn document(&self, role: &str, stored: &Stored, wrapped_key: Vec<u8>) -> DocumentRow {
        DocumentRow {
            id: stored.id,
            exchange_id: self.exchange_id,
            owner: self.owner.clone(),
            role: role.to_owned(),
            file_name: None,
            media_type: "application/octet-stream".to_owned(),
            size: stored.size,
            sha256: stored.digests.sha256,
            key_id: self.keys.id,
            wrapped_key,
            created_at: self.ctx().clock.now(),
            piece_id: None,
            container: None,
        }
    }

    /// Writes its row, which says that it is being taken.
    pub(super) async fn begin(&self, blob: Uuid) -> Result<ArchiveRow> {
        let row = ArchiveRow {
            exchange_id: self.exchange_id,
            owner: self.owner.clone(),
            project: self.project.name.clone(),
            depot: self.desk.depot.name.clone(),
            flow: self.flow.name.clone(),
            name_hash: self.name_hash,
            name: None,
            state: "spooling".to_owned(),
            format: None,
            container_id: blob,
            unpacked_id: None,
            pieces: 0,
            accepted: 0,
            token: Some(self.desk.token),
            began_at: self.ctx().clock.now(),
            receipted_at: None,
            left_at: None,
        };
        let (written, token) = (row.clone(), self.desk.token);
        let begun = self.ctx().store.write(move |tx| {
            lease::demand(tx, &written.depot, token)?;
            archives::begin(tx, &written)
        });
        begun.await?;
        Ok(row)
    }

    /// What becomes of it, now that it is here.
    pub(super) async fn judged(&self, spooled: Spooled) -> Result<Taken> {
        if let Some(first) = repeat::known(self, &spooled).await? {
            return repeat::acknowledge(self, &spooled, first).await;
        }
        let mut examined = examine::examine(self, &spooled).await?;
        if examined.outcome != Outcome::Rejected {
            stage::all(self, &spooled, &mut examined).await?;
        }
        for _ in 0..JUDGEMENTS {
            if examined.outcome == Outcome::Rejected {
                return refuse::refuse(self, &spooled, &examined).await;
            }
            match flip::flip(self, &spooled, &examined).await? {
                Flipped::Visible => return Ok(Taken::Archive(examined.outcome)),
                Flipped::Known(first) => return repeat::acknowledge(self, &spooled, first).await,
                Flipped::Conflicts => conflicts::refuse(self, &mut examined).await?,
            }
        }
        Err(Fault::unavailable(
            "the archive's pieces are being taken elsewhere",
        ))
    }

    /// Takes out what was staged of an archive that could not be taken; what remains, the lease's next holder takes out.
    pub(super) async fn forget(&self, row: &ArchiveRow) {
        let (id, ctx) = (self.exchange_id, self.ctx());
        let row = match ctx.store.read(move |tx| archives::find(tx, id)).await {
            Ok(Some(row)) => row,
            _ => row.clone(),
        };
        if let Err(fault) = leftovers::discard(ctx, &row, self.desk.token).await {
            tracing::warn!(depot = self.desk.depot.name, %fault, "what was staged of an archive is left to the next look");
        }
    }
}

/// The archive's own files in the vault, for whoever has no more use for them.
pub async fn remove_blobs(taking: &Taking, spooled: &Spooled, examined: Option<&Examined>) {
    let unpacked = examined.and_then(|examined| examined.unpacked.as_ref());
    for id in [Some(spooled.document.id), unpacked.map(|row| row.id)]
        .into_iter()
        .flatten()
    {
        if let Err(fault) = taking.ctx().vault.remove(id).await {
            tracing::warn!(blob = %id, %fault, "the blob of an archive that was not kept is left to the sweep");
        }
    }
}
