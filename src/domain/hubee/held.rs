//! Legal holds before callers: what would destroy a content is refused as long as its folder is on hold, be it the folder's
//! withdrawal (R17), an event's (R36), or another file in the place of one that is there (R14).

use uuid::Uuid;

use super::{Refusal, Result};
use crate::storage::{Tx, holds};

/// Fails where the folder is on hold now.
pub fn permits(tx: &mut Tx<'_>, folder: Uuid) -> Result<()> {
    match holds::keeps_folder(tx, folder)? {
        true => Err(Refusal::bad(
            "Folder is on legal hold: nothing of it can be deleted or replaced",
        )),
        false => Ok(()),
    }
}

/// The same until the transaction ends, which is the one that destroys: who adds a hold waits for it, as for a purge's.
pub fn permits_for_good(tx: &mut Tx<'_>, folder: Uuid) -> Result<()> {
    holds::between_purges(tx)?;
    permits(tx, folder)
}
