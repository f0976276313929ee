//! An archive's rows in batches that nobody sees: its blobs, its dossiers, its pieces with their files.

use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    examined::{self, Examined},
    lease,
    spool::Spooled,
    taking::Taking,
};
use crate::{
    domain::{
        archives::{
            CheckedFile, Manifest, PieceAt,
            kept::{KeptDossier, KeptFile, KeptPiece},
            manifest::{Dossier, Piece},
        },
        exchanges::Metadata,
        ged::{
            documents::{Column, seal_json},
            verdict::Verdict,
        },
        pieces::record::natural_key,
    },
    kernel::{
        digest::{Hasher, Sha256},
        failpoint,
        fault::{Fault, Result},
    },
    storage::{
        Prepared,
        archives::{self, DossierRow, PieceRow},
        exchanges::{DocumentRow, insert_document},
        scans::{self, ScanRow},
    },
};

/// How many pieces one transaction stages.
const PIECES: usize = 500;
/// How many rows, whatever their pieces.
const ROWS: usize = 2000;

/// Stages everything, in the order of the manifest.
pub async fn all(taking: &Taking, spooled: &Spooled, examined: &mut Examined) -> Result<()> {
    let Some(manifest) = examined.checked.manifest.as_ref() else {
        return Err(Fault::internal(
            "an archive without a manifest was to be staged",
        ));
    };
    blobs(taking, spooled, examined).await?;
    let container = examined
        .unpacked
        .as_ref()
        .map_or(spooled.document.id, |row| row.id);
    let staging = Staging {
        taking,
        examined,
        container,
    };
    let mut batch = Vec::new();
    for (ordinal, dossier) in manifest.dossiers.iter().enumerate() {
        batch.push(archives::insert_dossier(
            &staging.dossier(ordinal, dossier)?,
        ));
        if batch.len() >= PIECES {
            write(taking, std::mem::take(&mut batch)).await?;
        }
    }
    staging.pieces(manifest, batch).await
}

/// The blobs' own rows come first: what lies in them is read through them.
async fn blobs(taking: &Taking, spooled: &Spooled, examined: &Examined) -> Result<()> {
    let (exchange, token) = (taking.exchange_id, taking.desk.token);
    let unpacked = examined.unpacked.as_ref();
    let rows: Vec<Prepared> = std::iter::once(&spooled.document)
        .chain(unpacked)
        .map(insert_document)
        .collect();
    let (unpacked, depot) = (unpacked.map(|row| row.id), taking.desk.depot.name.clone());
    let written = taking.ctx().store.write(move |tx| {
        lease::demand(tx, &depot, token)?;
        tx.run_all(&rows)?;
        archives::staging(tx, exchange, unpacked, token)
    });
    match written.await? {
        true => Ok(()),
        false => Err(Fault::unavailable("the archive is being taken by another")),
    }
}

async fn write(taking: &Taking, batch: Vec<Prepared>) -> Result<()> {
    let (depot, token) = (taking.desk.depot.name.clone(), taking.desk.token);
    let written = taking.ctx().store.write(move |tx| {
        lease::demand(tx, &depot, token)?;
        tx.run_all(&batch)
    });
    written.await?;
    failpoint::hit("archive.after-batch");
    Ok(())
}

struct Staging<'a> {
    taking: &'a Taking,
    examined: &'a Examined,
    container: Uuid,
}

impl Staging<'_> {
    fn dossier(&self, ordinal: usize, dossier: &Dossier) -> Result<DossierRow> {
        let taking = self.taking;
        let kept = KeptDossier {
            dossier_id: dossier.dossier_id.clone(),
            iteration: dossier.iteration,
            business_data: dossier.business_data.to_object(),
        };
        Ok(DossierRow {
            exchange_id: taking.exchange_id,
            ordinal: ordinal as u32,
            owner: taking.owner.clone(),
            dossier_hash: taking.keys.hash(&dossier.dossier_id),
            iteration: dossier.iteration,
            metadata: seal_json(taking.ctx(), &taking.key, Column::Dossier, &kept)?,
        })
    }

    async fn pieces(&self, manifest: &Manifest, mut batch: Vec<Prepared>) -> Result<()> {
        let (mut ordinal, mut in_batch) = (0, 0);
        let mut files = &self.examined.checked.files[..];
        for (number, dossier) in manifest.dossiers.iter().enumerate() {
            let mut metadata = identity(manifest, dossier);
            for (place, piece) in dossier.pieces.iter().enumerate() {
                let at = PieceAt {
                    dossier: number,
                    piece: place,
                };
                let own = files.iter().take_while(|file| file.at == at).count();
                let (own, rest) = files.split_at(own);
                files = rest;
                metadata.piece_uid = Some(piece.uid.to_string());
                self.piece((ordinal, at), piece, &metadata, own, &mut batch)?;
                (ordinal, in_batch) = (ordinal + 1, in_batch + 1);
                if in_batch >= PIECES || batch.len() >= ROWS {
                    write(self.taking, std::mem::take(&mut batch)).await?;
                    in_batch = 0;
                }
            }
        }
        match batch.is_empty() {
            true => Ok(()),
            false => write(self.taking, batch).await,
        }
    }

    fn piece(
        &self,
        (ordinal, at): (u32, PieceAt),
        piece: &Piece,
        identity: &Metadata,
        files: &[CheckedFile],
        batch: &mut Vec<Prepared>,
    ) -> Result<()> {
        let (taking, ctx) = (self.taking, self.taking.ctx());
        let refused = self.examined.refused.contains(&at);
        let id = ctx.entropy.uuid(&ctx.clock)?;
        let documents = match refused {
            true => Vec::new(),
            false => files
                .iter()
                .map(|file| self.document(id, piece, file))
                .collect::<Result<_>>()?,
        };
        let sha256 = content(files);
        let kept = kept(piece, files, &documents)?;
        let row = PieceRow {
            id,
            exchange_id: taking.exchange_id,
            owner: taking.owner.clone(),
            ordinal,
            dossier: at.dossier as u32,
            natural_key: natural_key(&taking.keys, identity, &sha256),
            sha256,
            state: if refused { "refused" } else { "accepted" }.to_owned(),
            metadata: seal_json(ctx, &taking.key, Column::Piece, &kept)?,
            outcome: None,
            result: None,
        };
        batch.push(archives::insert_piece(&row));
        batch.extend(documents.iter().map(insert_document));
        if taking.project.antivirus {
            batch.extend(documents.iter().map(|row| scans::insert(&clean(row))));
        }
        Ok(())
    }

    fn document(&self, piece: Uuid, of: &Piece, file: &CheckedFile) -> Result<DocumentRow> {
        let (taking, ctx) = (self.taking, self.taking.ctx());
        let checked = &self.examined.checked;
        let entry = checked.directory.entries.get(file.entry);
        let place = examined::place(checked, file.entry, self.container);
        let declared = of.files.get(file.file);
        let (Some(entry), Some(declared)) = (entry, declared) else {
            return Err(Fault::internal(
                "a checked file is in no entry or in no piece",
            ));
        };
        Ok(DocumentRow {
            id: ctx.entropy.uuid(&ctx.clock)?,
            exchange_id: taking.exchange_id,
            owner: taking.owner.clone(),
            role: "content".to_owned(),
            file_name: None,
            media_type: declared.media_type.to_string(),
            size: entry.size,
            sha256: file.sha256,
            key_id: taking.keys.id,
            wrapped_key: Vec::new(),
            created_at: ctx.clock.now(),
            piece_id: Some(piece),
            container: place,
        })
    }
}

/// What is the same for all pieces of a dossier in their natural key.
fn identity(manifest: &Manifest, dossier: &Dossier) -> Metadata {
    Metadata {
        project: manifest.project.clone(),
        source_application: manifest.source_application.clone(),
        contract_reference: None,
        dossier_id: dossier.dossier_id.clone(),
        piece_uid: None,
        piece_type: None,
        business_data: serde_json::Map::new(),
        iteration: dossier.iteration,
        hash: None,
        file_name: String::new(),
        media_type: String::new(),
    }
}

/// The digest of a piece's content: its file's own, or one over those of its files, in their order.
fn content(files: &[CheckedFile]) -> Sha256 {
    match files {
        [] => [0; 32],
        [only] => only.sha256,
        several => {
            let mut hasher = Hasher::new(false);
            several.iter().for_each(|file| hasher.update(&file.sha256));
            hasher.finish().sha256
        }
    }
}

/// The piece's part of the manifest; the documents are in the order of the files that were read.
fn kept(piece: &Piece, files: &[CheckedFile], documents: &[DocumentRow]) -> Result<KeptPiece> {
    let document_of = |place: usize| {
        let read = files.iter().position(|file| file.file == place)?;
        Some(documents.get(read)?.id)
    };
    let listed = piece
        .files
        .iter()
        .enumerate()
        .map(|(place, file)| KeptFile {
            name: file.name.to_string(),
            media_type: file.media_type.to_string(),
            document_id: document_of(place),
        });
    let documents = match piece.documents.is_empty() {
        true => None,
        false => Some(serde_json::to_value(&piece.documents).map_err(Fault::internal)?),
    };
    Ok(KeptPiece {
        uid: piece.uid.to_string(),
        piece_type: piece.piece_type.as_ref().map(ToString::to_string),
        files: listed.collect(),
        business_data: piece.business_data.to_object(),
        documents: documents.filter(|value| *value != Json::Null),
    })
}

/// The verdict that every file of a sound piece has had by now, where its project demands one.
fn clean(document: &DocumentRow) -> ScanRow {
    ScanRow {
        document_id: document.id,
        exchange_id: document.exchange_id,
        owner: document.owner.clone(),
        verdict: Verdict::Clean.as_str().to_owned(),
        signature: None,
        at: document.created_at,
    }
}
