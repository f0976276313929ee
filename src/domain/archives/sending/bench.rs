//! One piece of an archive: its files opened and processed as unit pieces are, and what follows made ready to be written.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    looked,
    worked::{Worked, WorkedFile},
};
use crate::{
    codec::Limits,
    config::Project,
    domain::{
        Context,
        archives::kept::{KeptFile, KeptPiece},
        ged::{
            documents::{self, Column},
            verdict::{self, Standing},
        },
        incidents::Ticket,
        processing::{
            Document, Opener, ProducedFile, Results, run_all,
            sniff::{self, PREFIX_BYTES},
        },
        returns::make::{self, Workshop, antivirus},
    },
    kernel::{
        digest::Digests,
        fault::{Fault, Result},
        secret::Key,
    },
    outbound::clamd::Clamd,
    storage::{
        Prepared,
        archive_pieces::PieceRow,
        documents as rows,
        exchanges::{self, DocumentRow, ExchangeRow},
        piece_results,
    },
};

/// Where the pieces of one archive are worked on.
pub(super) struct Bench {
    pub(super) ctx: Context,
    pub(super) workshop: Workshop,
    pub(super) antivirus: Option<Clamd>,
    pub(super) project: Arc<Project>,
    pub(super) exchange: ExchangeRow,
    pub(super) key: Key,
}

/// A piece that was processed, ready to be written.
pub(super) struct Done {
    pub(super) statements: Vec<Prepared>,
    pub(super) tickets: Vec<Ticket>,
}

impl Bench {
    /// Processes one piece. Fails only for faults of ours.
    pub(super) async fn piece(&self, row: PieceRow) -> Result<Done> {
        let kept: KeptPiece = documents::open_json(&self.key, Column::Piece, &row.metadata)?;
        let files = self.files(row.id).await?;
        let (mut worked, mut statements, mut tickets) = (Worked::default(), Vec::new(), Vec::new());
        for file in &kept.files {
            let (document, standing) = found(&files, file)?;
            let mut standing = standing.clone();
            if standing == Standing::Awaited {
                let look = looked::at(self, document).await?;
                statements.extend(look.statements);
                tickets.extend(look.ticket);
                standing = look.standing;
            }
            let results = self.file(file, document, &standing).await?;
            for made in &results.produced {
                let document = self.produced(row.id, made).await?;
                statements.push(exchanges::insert_document(&document));
            }
            worked.files.push(WorkedFile::of(&results));
        }
        let sealed = documents::seal_json(&self.ctx, &self.key, Column::PieceResult, &worked)?;
        let outcome = worked.outcome().as_str();
        statements.push(piece_results::settle(row.id, outcome, sealed));
        Ok(Done {
            statements,
            tickets,
        })
    }

    /// The piece's files as they lie in the archive, and how each stands with the antivirus.
    async fn files(&self, piece: Uuid) -> Result<Vec<(DocumentRow, Standing)>> {
        let demanded = verdict::is_demanded(&self.ctx, &self.exchange.project);
        let read = self.ctx.store.read(move |tx| {
            let files = rows::of_piece(tx, piece)?.into_iter();
            let files = files.filter(|row| row.role != "produced");
            let standing = |row: DocumentRow| {
                let standing = verdict::standing(tx, &row, demanded)?;
                Ok((row, standing))
            };
            files.map(standing).collect::<Result<Vec<_>>>()
        });
        read.await
    }

    /// What is found of a file whose standing is known.
    async fn file(
        &self,
        file: &KeptFile,
        row: &DocumentRow,
        standing: &Standing,
    ) -> Result<Results> {
        match antivirus(standing) {
            // Nothing opens what is in quarantine.
            Some(control) if control.is_adverse() => Ok(Results::refused(control)),
            control => {
                let document = self.opened(file, row).await?;
                let sandbox = self.workshop.sandbox.as_ref();
                let results = run_all(&self.workshop.registry, &document, sandbox).await?;
                Ok(make::fetchable(&self.ctx, &self.project, results).after(control))
            }
        }
    }

    async fn opened(&self, file: &KeptFile, row: &DocumentRow) -> Result<Document> {
        let reader = documents::reader(&self.ctx, &self.exchange.project, row).await?;
        let prefix = reader.prefix(PREFIX_BYTES).await?;
        Ok(Document {
            file_name: file.name.clone(),
            media_type: sniff::compare(&prefix, &file.media_type),
            accepted: self.project.media_types.clone().into(),
            size: row.size,
            size_limit: Limits::default().bytes,
            digests: Digests {
                sha256: row.sha256,
                sha512: None,
            },
            announced: None,
            content: Arc::new(Opener(move || reader.whole())),
        })
    }

    async fn produced(&self, piece: Uuid, made: &ProducedFile) -> Result<DocumentRow> {
        let row = documents::produce(
            &self.ctx,
            &self.exchange,
            &self.key,
            &made.file_name,
            &made.media_type,
            &made.bytes,
        );
        Ok(DocumentRow {
            piece_id: Some(piece),
            ..row.await?
        })
    }
}

fn found<'f>(
    files: &'f [(DocumentRow, Standing)],
    file: &KeptFile,
) -> Result<(&'f DocumentRow, &'f Standing)> {
    let same = |(row, _): &&(DocumentRow, Standing)| Some(row.id) == file.document_id;
    let found = files.iter().find(same);
    let (row, standing) =
        found.ok_or_else(|| Fault::internal("a file of an accepted piece has no row"))?;
    Ok((row, standing))
}
