//! A file whose bytes are coming.
//!
//! Where the line was cut for longer than a transfer's patience, or a gz is here and its manifest not yet, what came so far is
//! handed back ([`Untaken`]): a later look goes on with it, in this process and under the same row, which also keeps the sweep
//! from it.

use uuid::Uuid;

use super::{
    Desk,
    spool::{self, Why},
    taking::{Taken, Taking},
    tape::Tape,
    watch::Ready,
};
use crate::{
    config::depots::{Flow, Incoming},
    kernel::{failpoint, fault::Result, memory},
    storage::archives::ArchiveRow,
    transport::Listed,
};

/// From what size on, in bytes, an archive's lists may be large.
const LARGE: u64 = 4 << 20;

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
    /// The reason.
    pub why: Why,
    /// What came of it. Without it, nothing of the file is here.
    pub rest: Option<Box<Spooling>>,
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
            false => Tape::Kept(Box::new(ctx.vault.create(&blob_key, false)?)),
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

    /// Takes what is still to come of it, and all that follows; `seen` is it as the last look saw it.
    pub async fn go_on(self, seen: &Ready) -> std::result::Result<Taken, Untaken> {
        let Self {
            taking,
            row,
            tape,
            wrapped,
            in_hand,
        } = self;
        let size = taking.listed.size;
        let why = match spool::fetch(&taking, seen, tape, &wrapped).await {
            Ok(spooled) => {
                let _large = (size >= LARGE).then(memory::hold);
                match taking.judged(spooled).await {
                    Ok(taken) => return Ok(taken),
                    Err(fault) => Why::Failed(fault),
                }
            }
            Err((why, Some(tape))) => {
                let rest = Self {
                    taking,
                    row,
                    tape: *tape,
                    wrapped,
                    in_hand,
                };
                let rest = Some(Box::new(rest));
                return Err(Untaken { why, rest });
            }
            Err((why, None)) => why,
        };
        taking.forget(&row).await;
        Err(Untaken { why, rest: None })
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
