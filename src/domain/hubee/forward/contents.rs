//! The files of an exchange that goes on: a piece's one content, or every file of an archive's accepted pieces, in their order,
//! walked some at a time: an archive may hold a hundred thousand.

use std::collections::{HashMap, VecDeque};

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

/// How many files one folder takes: its description must stay a small document, and its creation a short transaction.
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

/// Whether files may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// All of them, as so many folders.
    Granted(u32),
    /// The antivirus has not spoken yet.
    Awaited,
    /// The antivirus found something: nothing goes.
    Refused,
}

/// Whether all of `exchange` may go, before any of it does.
pub(super) async fn leave(ctx: &Context, exchange: &ExchangeRow) -> Result<Leave> {
    let mut walk = Walk::new(ctx, exchange).await?;
    let (mut parts, mut all) = (0, Leave::Granted(0));
    loop {
        let files = walk.part(ctx).await?;
        // What has no file is one folder without attachments.
        if files.is_empty() && parts > 0 {
            break;
        }
        parts += 1;
        match of_part(ctx, exchange, &files).await? {
            Leave::Refused => return Ok(Leave::Refused),
            Leave::Awaited => all = Leave::Awaited,
            Leave::Granted(_) => {}
        }
        if files.len() < MOST {
            break;
        }
    }
    Ok(match all {
        Leave::Granted(_) => Leave::Granted(parts),
        other => other,
    })
}

/// Whether the files of one part may go.
pub(super) async fn of_part(
    ctx: &Context,
    exchange: &ExchangeRow,
    files: &[File],
) -> Result<Leave> {
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
        () if any(|standing| matches!(standing, Standing::Quarantined(_))) => Leave::Refused,
        () if any(|standing| *standing == Standing::Awaited) => Leave::Awaited,
        () => Leave::Granted(1),
    })
}

/// A walk over the files of an exchange.
pub(super) struct Walk {
    exchange: ExchangeRow,
    key: Key,
    /// The place of the last piece that was looked up.
    after: i64,
    found: VecDeque<File>,
    ended: bool,
}

impl Walk {
    /// A walk from the first file on.
    pub(super) async fn new(ctx: &Context, exchange: &ExchangeRow) -> Result<Self> {
        let mut walk = Self {
            key: documents::exchange_key(ctx, exchange).await?,
            exchange: exchange.clone(),
            after: -1,
            found: VecDeque::new(),
            ended: exchange.kind == PIECE,
        };
        if walk.ended {
            let file = walk.content(ctx).await?;
            walk.found.push_back(file);
        }
        Ok(walk)
    }

    /// The files of the next part, as many as one folder takes; fewer where there are no more.
    pub(super) async fn part(&mut self, ctx: &Context) -> Result<Vec<File>> {
        while self.found.len() < MOST && !self.ended {
            self.look(ctx).await?;
        }
        let count = self.found.len().min(MOST);
        Ok(self.found.drain(..count).collect())
    }

    /// A piece's one file.
    async fn content(&self, ctx: &Context) -> Result<File> {
        let id = self.exchange.id;
        let found = ctx.store.read(move |tx| exchanges::documents(tx, id));
        let row = found.await?.into_iter().find(|row| row.role == "content");
        let row = row.ok_or_else(|| Fault::internal("an accepted piece without its content"))?;
        let metadata = documents::metadata(&self.key, &self.exchange)?;
        Ok(File {
            row,
            name: bare(&metadata.file_name),
        })
    }

    /// Looks up the next pieces of an archive.
    async fn look(&mut self, ctx: &Context) -> Result<()> {
        let (id, after) = (self.exchange.id, self.after);
        let page = ctx.store.read(move |tx| {
            let pieces = piece_results::accepted(tx, id, after, PAGE)?;
            let pairs = pieces.into_iter().map(|piece| {
                let documents = rows::of_piece(tx, piece.id)?;
                Ok((piece, documents))
            });
            pairs.collect::<Result<Vec<_>>>()
        });
        let page = page.await?;
        match page.last() {
            Some((last, _)) => self.after = i64::from(last.ordinal),
            None => self.ended = true,
        }
        for (piece, documents) in page {
            self.found.extend(of_one(&self.key, &piece, documents)?);
        }
        Ok(())
    }
}

/// The files of one piece of an archive, in their order.
fn of_one(key: &Key, piece: &PieceRow, documents: Vec<DocumentRow>) -> Result<Vec<File>> {
    let kept: KeptPiece = documents::open_json(key, Column::Piece, &piece.metadata)?;
    let rows = documents.into_iter().map(|row| (row.id, row));
    let mut rows: HashMap<_, _> = rows.collect();
    let files = kept.files.iter().filter_map(|file| {
        let row = rows.remove(&file.document_id?)?;
        let name = bare(&file.name);
        Some(File { row, name })
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
