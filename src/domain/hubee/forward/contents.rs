//! The files of an exchange that goes on: a piece's one content, or every file of an archive's accepted pieces.

use crate::{
    domain::{
        Context,
        archives::kept::KeptPiece,
        exchanges::PIECE,
        ged::{
            documents::{self, Column},
            verdict::{self, Standing},
        },
    },
    kernel::{
        fault::{Fault, Result},
        secret::Key,
    },
    storage::{
        archive_pieces::PieceRow,
        documents as rows,
        exchanges::{self, DocumentRow, ExchangeRow},
        piece_results,
    },
};

/// How many files one folder takes: its description must stay a small document.
const MOST: usize = 1000;
/// How many pieces are looked up at once.
const PAGE: u32 = 100;
/// The most characters of a file's name.
const NAME: usize = 255;

/// A file to be sent on.
pub(super) struct File {
    /// Its bytes.
    pub(super) row: DocumentRow,
    /// Its name, without folders.
    pub(super) name: String,
}

/// What was found of an exchange.
pub(super) enum Found {
    /// All of it may go.
    Ready(Vec<File>),
    /// The antivirus has not spoken yet.
    Awaited,
    /// The antivirus found something: nothing goes.
    Quarantined,
    /// It has more files than a folder takes.
    TooMany(usize),
}

/// Finds the files of `exchange`, and whether they may go.
pub(super) async fn of(ctx: &Context, exchange: &ExchangeRow) -> Result<Found> {
    let files = match exchange.kind == PIECE {
        true => of_piece(ctx, exchange).await?,
        false => of_archive(ctx, exchange).await?,
    };
    if files.len() > MOST {
        return Ok(Found::TooMany(files.len()));
    }
    let demanded = verdict::is_demanded(ctx, &exchange.project);
    let documents: Vec<DocumentRow> = files.iter().map(|file| file.row.clone()).collect();
    let standings = ctx.store.read(move |tx| {
        let each = documents.iter();
        each.map(|row| verdict::standing(tx, row, demanded))
            .collect::<Result<Vec<_>>>()
    });
    let standings = standings.await?;
    let any = |wanted: fn(&Standing) -> bool| standings.iter().any(wanted);
    Ok(match () {
        () if any(|standing| matches!(standing, Standing::Quarantined(_))) => Found::Quarantined,
        () if any(|standing| *standing == Standing::Awaited) => Found::Awaited,
        () => Found::Ready(files),
    })
}

async fn of_piece(ctx: &Context, exchange: &ExchangeRow) -> Result<Vec<File>> {
    let id = exchange.id;
    let found = ctx.store.read(move |tx| exchanges::documents(tx, id));
    let row = found.await?.into_iter().find(|row| row.role == "content");
    let row = row.ok_or_else(|| Fault::internal("an accepted piece without its content"))?;
    let key = documents::exchange_key(ctx, exchange).await?;
    let metadata = documents::metadata(&key, exchange)?;
    Ok(vec![File {
        row,
        name: bare(&metadata.file_name),
    }])
}

async fn of_archive(ctx: &Context, exchange: &ExchangeRow) -> Result<Vec<File>> {
    let key = documents::exchange_key(ctx, exchange).await?;
    let (id, mut after, mut files) = (exchange.id, -1, Vec::new());
    loop {
        let page = ctx.store.read(move |tx| {
            let pieces = piece_results::accepted(tx, id, after, PAGE)?;
            let pairs = pieces.into_iter().map(|piece| {
                let documents = rows::of_piece(tx, piece.id)?;
                Ok((piece, documents))
            });
            pairs.collect::<Result<Vec<_>>>()
        });
        let page = page.await?;
        let Some((last, _)) = page.last() else {
            return Ok(files);
        };
        after = i64::from(last.ordinal);
        for (piece, documents) in page {
            files.extend(of_one(&key, &piece, documents)?);
        }
        if files.len() > MOST {
            return Ok(files);
        }
    }
}

/// The files of one piece of an archive, in their order.
fn of_one(key: &Key, piece: &PieceRow, documents: Vec<DocumentRow>) -> Result<Vec<File>> {
    let kept: KeptPiece = documents::open_json(key, Column::Piece, &piece.metadata)?;
    let files = kept.files.iter().filter_map(|file| {
        let row = documents
            .iter()
            .find(|row| Some(row.id) == file.document_id);
        row.map(|row| File {
            row: row.clone(),
            name: bare(&file.name),
        })
    });
    Ok(files.collect())
}

/// A name without its folders, as long as the hub takes it.
fn bare(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.chars().take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_on_without_its_folders() {
        assert_eq!(bare("lot/pièce 1/facture.pdf"), "facture.pdf");
        assert_eq!(bare("facture.pdf"), "facture.pdf");
        assert_eq!(bare(&"é".repeat(300)).chars().count(), NAME);
    }
}
