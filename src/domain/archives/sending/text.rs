//! The bytes of an archive's return, one part after the other: made as often as they are needed, and the same each time.

use serde_json::Value as Json;

use super::{
    bench::Bench,
    document::{END, Entry, Head, entry_name},
    walk::{Piece, Walk},
};
use crate::{
    domain::{
        archives::kept::Header,
        ged::documents::{self, Column},
        returns::{
            conformity::{self, Nonconformity},
            produced::{Carried, Carrying},
        },
    },
    kernel::fault::{Fault, Result},
    storage::exchanges::DocumentRow,
};

/// The bytes of a return.
pub(super) struct Text<'b> {
    bench: &'b Bench,
    header: &'b Header,
    head: &'b Head,
    carrying: Carrying,
    walk: Walk<'b>,
    at: At,
    /// Whether its pieces are held to the project's schema.
    judged: bool,
    /// What is wrong with it.
    pub(super) found: Option<Nonconformity>,
}

#[derive(PartialEq, Eq)]
enum At {
    Head,
    First,
    Pieces,
    Over,
}

impl<'b> Text<'b> {
    pub(super) fn new(
        bench: &'b Bench,
        (header, head): (&'b Header, &'b Head),
        carrying: Carrying,
        judged: bool,
    ) -> Self {
        Self {
            bench,
            header,
            head,
            carrying,
            walk: Walk::new(bench),
            at: At::Head,
            judged,
            found: None,
        }
    }

    /// The next part; none once all were given.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self.at {
            At::Head => {
                self.at = At::First;
                self.head.opening().map(Some)
            }
            At::First | At::Pieces => self.page().await.map(Some),
            At::Over => Ok(None),
        }
    }

    async fn page(&mut self) -> Result<Vec<u8>> {
        let pieces = self.walk.page().await?;
        if pieces.is_empty() {
            self.at = At::Over;
            return Ok(END.to_vec());
        }
        let mut part = Vec::new();
        for piece in &pieces {
            if self.at == At::Pieces {
                part.push(b',');
            }
            self.at = At::Pieces;
            let entry = self.entry(piece).await?;
            self.judge(piece, &entry)?;
            part.extend_from_slice(&entry);
        }
        Ok(part)
    }

    async fn entry(&self, piece: &Piece) -> Result<Vec<u8>> {
        let mut produced = Vec::new();
        for (index, row) in piece.produced().enumerate() {
            let name = self.name(row)?;
            let carried = match self.carrying {
                Carrying::Links => Carried::link(row),
                Carrying::Entries => {
                    Carried::Entry(entry_name(piece.row.ordinal, index + 1, &name))
                }
                Carrying::Inline => self.inline(row).await?,
            };
            produced.push((name, carried));
        }
        let entry = Entry::new(self.header, piece, produced)?;
        serde_json::to_vec(&entry).map_err(Fault::internal)
    }

    async fn inline(&self, row: &DocumentRow) -> Result<Carried> {
        let reader = documents::reader(&self.bench.ctx, &self.bench.exchange.project, row).await?;
        Ok(Carried::inline(&reader.read_all(row.size).await?))
    }

    fn name(&self, row: &DocumentRow) -> Result<String> {
        name_of(self.bench, row)
    }

    /// Holds a piece to what was agreed with its project.
    fn judge(&mut self, piece: &Piece, entry: &[u8]) -> Result<()> {
        let schema = self.bench.project.result_schema.as_ref();
        let Some(schema) = schema.filter(|_| self.judged) else {
            return Ok(());
        };
        let document: Json = serde_json::from_slice(entry).map_err(Fault::internal)?;
        let Some(found) = conformity::of_document(schema, &document) else {
            return Ok(());
        };
        let place = u64::from(piece.row.ordinal) + 1;
        let known = self.found.get_or_insert_with(|| Nonconformity {
            schema: found.schema,
            ..Nonconformity::default()
        });
        let (count, first) = known.pieces.unwrap_or((0, place));
        known.pieces = Some((count + 1, first));
        known.tell(found.places);
        Ok(())
    }
}

/// The name of a produced file.
pub(super) fn name_of(bench: &Bench, row: &DocumentRow) -> Result<String> {
    let sealed = row.file_name.as_deref();
    let sealed = sealed.ok_or_else(|| Fault::internal("a produced file without a name"))?;
    let name = documents::open_bytes(&bench.key, Column::FileName, sealed)?;
    String::from_utf8(name).map_err(Fault::internal)
}
