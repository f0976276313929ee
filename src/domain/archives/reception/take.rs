//! One file of a depot that is here, to its receipt's job: looked at, staged, flipped. Its bytes come by
//! [`Spooling`](super::spooling::Spooling).

use super::{
    conflicts, examine,
    flip::{self, Flipped},
    leftovers, refuse, repeat,
    spool::Spooled,
    stage,
    taking::{Taken, Taking},
};
use crate::{
    domain::receipts::archive::Outcome,
    kernel::fault::{Fault, Result},
    storage::archives::{self, ArchiveRow},
};

/// How often an archive is judged anew because others have taken its pieces' keys meanwhile.
const JUDGEMENTS: u32 = 4;

impl Taking {
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
