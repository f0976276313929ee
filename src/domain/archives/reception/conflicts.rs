//! Pieces of a staged archive whose uid was accepted with another content: known only once everything is staged.

use uuid::Uuid;

use super::{examined::Examined, lease, taking::Taking};
use crate::{
    domain::archives::{Manifest, PieceAt},
    kernel::fault::Result,
    storage::archives,
};

/// How many conflicts are told at once.
const CONFLICTS: u32 = 100_000;
/// How many pieces one transaction refuses.
const AT_ONCE: usize = 500;

/// Refuses the pieces whose uid was accepted with another content since, or before.
pub async fn refuse(taking: &Taking, examined: &mut Examined) -> Result<()> {
    let id = taking.exchange_id;
    let found = taking
        .ctx()
        .store
        .read(move |tx| archives::conflicts(tx, id, CONFLICTS));
    let found = found.await?;
    for (_, ordinal) in &found {
        if let Some(at) = examined
            .checked
            .manifest
            .as_ref()
            .and_then(|manifest| place(manifest, *ordinal))
        {
            examined.conflict(at, taking.project.acceptance);
        }
    }
    let refused: Vec<Uuid> = found.into_iter().map(|(id, _)| id).collect();
    for some in refused.chunks(AT_ONCE) {
        let (some, depot, token) = (
            some.to_vec(),
            taking.desk.depot.name.clone(),
            taking.desk.token,
        );
        let written = taking.ctx().store.write(move |tx| {
            lease::demand(tx, &depot, token)?;
            archives::refuse(tx, &some)
        });
        written.await?;
    }
    Ok(())
}

/// The piece of that place among all of them.
fn place(manifest: &Manifest, ordinal: u32) -> Option<PieceAt> {
    let mut left = ordinal as usize;
    for (dossier, of) in manifest.dossiers.iter().enumerate() {
        if left < of.pieces.len() {
            return Some(PieceAt {
                dossier,
                piece: left,
            });
        }
        left -= of.pieces.len();
    }
    None
}
