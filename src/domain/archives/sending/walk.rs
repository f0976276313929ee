//! The accepted pieces of an archive with what was found of them, in the order of the manifest, a page at a time.

use std::collections::HashMap;

use super::{bench::Bench, worked::Worked};
use crate::{
    domain::{
        archives::kept::{KeptDossier, KeptPiece},
        ged::documents::{self, Column},
    },
    kernel::fault::{Fault, Result},
    storage::{
        archive_pieces::{self, DossierRow, PieceRow},
        documents as rows,
        exchanges::DocumentRow,
        piece_results,
    },
};

/// How many pieces a page holds.
const PAGE: u32 = 100;

/// A piece with all that its return says of it.
pub(super) struct Piece {
    pub(super) row: PieceRow,
    pub(super) kept: KeptPiece,
    pub(super) worked: Worked,
    pub(super) dossier: KeptDossier,
    /// Its files and what was produced from them.
    pub(super) documents: Vec<DocumentRow>,
}

impl Piece {
    /// The document that holds one of its files.
    pub(super) fn file(&self, index: usize) -> Result<&DocumentRow> {
        let id = self.kept.files.get(index).and_then(|file| file.document_id);
        let found = self.documents.iter().find(|row| Some(row.id) == id);
        found.ok_or_else(|| Fault::internal("a file of an accepted piece has no row"))
    }

    /// What was produced from it, in a stable order.
    pub(super) fn produced(&self) -> impl Iterator<Item = &DocumentRow> {
        self.documents.iter().filter(|row| row.role == "produced")
    }
}

/// A walk over the pieces of one archive.
pub(super) struct Walk<'b> {
    bench: &'b Bench,
    after: i64,
}

impl<'b> Walk<'b> {
    pub(super) fn new(bench: &'b Bench) -> Self {
        Self { bench, after: -1 }
    }

    /// The next pieces; none once all were given.
    pub(super) async fn page(&mut self) -> Result<Vec<Piece>> {
        let (exchange, after) = (self.bench.exchange.id, self.after);
        let read = self.bench.ctx.store.read(move |tx| {
            let pieces = piece_results::accepted(tx, exchange, after, PAGE)?;
            let dossiers = match (pieces.first(), pieces.last()) {
                (Some(first), Some(last)) => {
                    let count = last.dossier.saturating_sub(first.dossier) + 1;
                    archive_pieces::dossiers(tx, exchange, i64::from(first.dossier) - 1, count)?
                }
                _ => Vec::new(),
            };
            let pairs = pieces.into_iter().map(|piece| {
                let documents = rows::of_piece(tx, piece.id)?;
                Ok((piece, documents))
            });
            Ok((pairs.collect::<Result<Vec<_>>>()?, dossiers))
        });
        let (pairs, dossiers) = read.await?;
        if let Some((last, _)) = pairs.last() {
            self.after = i64::from(last.ordinal);
        }
        let dossiers = self.dossiers(dossiers)?;
        let pieces = pairs.into_iter();
        pieces
            .map(|(row, documents)| self.piece(row, documents, &dossiers))
            .collect()
    }

    fn dossiers(&self, rows: Vec<DossierRow>) -> Result<HashMap<u32, KeptDossier>> {
        let opened = rows.into_iter().map(|row| {
            let kept = documents::open_json(&self.bench.key, Column::Dossier, &row.metadata)?;
            Ok((row.ordinal, kept))
        });
        opened.collect()
    }

    fn piece(
        &self,
        row: PieceRow,
        documents: Vec<DocumentRow>,
        dossiers: &HashMap<u32, KeptDossier>,
    ) -> Result<Piece> {
        let key = &self.bench.key;
        let result = row.result.as_deref();
        let result =
            result.ok_or_else(|| Fault::internal("a piece without a result in a return"))?;
        let dossier = dossiers.get(&row.dossier).cloned();
        Ok(Piece {
            kept: documents::open_json(key, Column::Piece, &row.metadata)?,
            worked: documents::open_json(key, Column::PieceResult, result)?,
            dossier: dossier.ok_or_else(|| Fault::internal("a piece without its dossier"))?,
            row,
            documents,
        })
    }
}
