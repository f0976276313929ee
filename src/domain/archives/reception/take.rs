//! One file of a depot, from its first byte to its receipt's job: spooled, looked at, staged, flipped.
//!
//! Where the line was cut for longer than a transfer's patience, what came so far is handed back ([`Spooling`]): a later look
//! goes on with it, in this process and under the same row, which also keeps the sweep from it.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Desk, conflicts,
    examine::{self, Examined},
    flip::{self, Flipped},
    lease, leftovers, refuse, repeat,
    spool::{self, Spooled},
    stage,
    tape::Tape,
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
        failpoint,
        fault::{Fault, Result},
        memory,
        secret::Key,
    },
    storage::{
        archives::{self, ArchiveRow},
        exchanges::{DocumentRow, Owner},
    },
    transport::{Listed, path},
    vault::Stored,
};

/// From what size on, in bytes, an archive's lists are worth giving their memory back at once.
const LARGE: u64 = 4 << 20;
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

/// A file whose bytes are coming: its row is written, and so much of it is spooled as its line gave.
pub struct Spooling {
    taking: Taking,
    row: ArchiveRow,
    tape: Tape,
    /// The key of the blob, wrapped.
    wrapped: Vec<u8>,
    in_hand: InHand,
}

/// Why a file could not be taken.
pub struct Untaken {
    /// The reason: the depot's, or ours.
    pub fault: Fault,
    /// What came of it before its line was cut. Without it, nothing of the file is here.
    pub rest: Option<Box<Spooling>>,
}

impl From<Fault> for Untaken {
    fn from(fault: Fault) -> Self {
        Self { fault, rest: None }
    }
}

impl Spooling {
    /// Begins to take a file that is not here at all. Fails with `signer-expired` where no receipt could be signed.
    pub async fn begin(
        desk: &Desk,
        flow: &Flow,
        incoming: &Incoming,
        listed: Listed,
    ) -> Result<Self> {
        desk.ctx.signer.usable()?;
        let taking = Taking::new(desk, flow, incoming, listed).await?;
        let (blob_key, wrapped) = taking.keys.fresh(&taking.ctx().entropy)?;
        let ctx = taking.ctx();
        let tape = match taking.listed.size > taking.limits().bytes {
            true => Tape::hashed(ctx.entropy.uuid(&ctx.clock)?),
            false => Tape::Kept(ctx.vault.create(&blob_key, false)?),
        };
        let in_hand = InHand::new(&taking);
        let row = taking.begin(tape.id()).await?;
        failpoint::hit("archive.after-begin");
        Ok(Self {
            taking,
            row,
            tape,
            wrapped,
            in_hand,
        })
    }

    /// What the file was when it was seen.
    pub fn listed(&self) -> &Listed {
        &self.taking.listed
    }

    /// Takes what is still to come of it, and all that follows.
    pub async fn go_on(self) -> std::result::Result<Taken, Untaken> {
        let Self {
            taking,
            row,
            tape,
            wrapped,
            in_hand,
        } = self;
        let size = taking.listed.size;
        let fault = match spool::fetch(&taking, tape, &wrapped).await {
            Ok(spooled) => match taking.judged(spooled).await {
                Ok(taken) => {
                    if size >= LARGE {
                        memory::give_back();
                    }
                    return Ok(taken);
                }
                Err(fault) => fault,
            },
            Err((fault, Some(tape))) => {
                let rest = Self {
                    taking,
                    row,
                    tape: *tape,
                    wrapped,
                    in_hand,
                };
                let rest = Some(Box::new(rest));
                return Err(Untaken { fault, rest });
            }
            Err((fault, None)) => fault,
        };
        taking.forget(&row).await;
        Err(fault.into())
    }
}

/// Keeps the exchange from being cleared away while it is being taken.
struct InHand(Desk, Uuid);

impl InHand {
    fn new(taking: &Taking) -> Self {
        taking.desk.in_hand().insert(taking.exchange_id);
        Self(taking.desk.clone(), taking.exchange_id)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.in_hand().remove(&self.1);
    }
}

impl Taking {
    async fn new(desk: &Desk, flow: &Flow, incoming: &Incoming, listed: Listed) -> Result<Self> {
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

    async fn begin(&self, blob: Uuid) -> Result<ArchiveRow> {
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

    async fn judged(&self, spooled: Spooled) -> Result<Taken> {
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
    async fn forget(&self, row: &ArchiveRow) {
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
