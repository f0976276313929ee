//! An archive that was looked at: what is wrong with it, and what becomes of it by its project's `acceptance`.

use std::collections::HashSet;

use tokio::sync::OwnedSemaphorePermit;

use crate::{
    codec::{Finding, FindingCode},
    config::Acceptance,
    domain::{
        archives::{
            Manifest,
            check::{Checked, PieceAt},
        },
        receipts::archive::{ArchiveFinding, LISTED, Outcome, Pieces},
    },
    storage::exchanges::{Container, DocumentRow, Method},
};

/// An archive that was looked at.
pub struct Examined {
    /// What the check found; nothing that can be read of an archive whose compression is not safe.
    pub checked: Checked,
    /// Its text, where it was unpacked.
    pub unpacked: Option<DocumentRow>,
    /// The pieces that are not sound.
    pub refused: HashSet<PieceAt>,
    /// What is wrong, for its receipt.
    pub findings: Vec<ArchiveFinding>,
    /// How many findings are not listed.
    pub omitted: u64,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Whether the antivirus has answered for all of its files.
    pub looked_at: bool,
    /// Kept for as long as an archive of many files is in memory.
    _seat: Option<OwnedSemaphorePermit>,
}

impl Examined {
    /// What the check has told of it; the judgement is the caller's.
    pub(super) fn of(
        checked: Checked,
        unpacked: Option<DocumentRow>,
        seat: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let outcome = match checked.is_refused_whole() {
            true => Outcome::Rejected,
            false => Outcome::Accepted,
        };
        let mut examined = Self {
            checked,
            unpacked,
            refused: HashSet::new(),
            findings: Vec::new(),
            omitted: 0,
            outcome,
            looked_at: false,
            _seat: seat,
        };
        examined.tell();
        examined
    }

    /// An archive of which nothing can be believed.
    pub(super) fn refused(findings: Vec<Finding>) -> Self {
        let told = findings.into_iter().map(|found| {
            let entry = found.entry.as_deref().map(str::to_owned);
            finding(
                None,
                None,
                found.code.as_str(),
                entry,
                found.detail.to_string(),
            )
        });
        Self {
            checked: Checked::default(),
            unpacked: None,
            refused: HashSet::new(),
            findings: told.collect(),
            omitted: 0,
            outcome: Outcome::Rejected,
            looked_at: false,
            _seat: None,
        }
    }

    /// How many pieces it has.
    pub fn pieces(&self) -> Pieces {
        let received = self.checked.manifest.as_ref().map_or(0, Manifest::pieces) as u64;
        let refused = match self.outcome {
            Outcome::Rejected => received,
            _ => self.refused.len() as u64,
        };
        Pieces {
            received,
            accepted: received - refused,
            refused,
        }
    }

    /// Adds a finding about a piece, and judges anew.
    pub fn conflict(&mut self, at: PieceAt, acceptance: Acceptance) {
        let detail =
            "Cette pièce (uid, dossier, itération) a déjà été acceptée avec un autre contenu.";
        self.piece_finding(at, FindingCode::PieceConflict, None, detail.to_owned());
        self.judge(acceptance);
    }

    /// Adds a finding about a piece; the judgement is the caller's.
    pub(super) fn piece_finding(
        &mut self,
        at: PieceAt,
        code: FindingCode,
        entry: Option<String>,
        detail: String,
    ) {
        self.refused.insert(at);
        let finding = finding(
            self.checked.manifest.as_ref(),
            Some(at),
            code.as_str(),
            entry,
            detail,
        );
        self.add(finding);
    }

    fn add(&mut self, finding: ArchiveFinding) {
        match self.findings.len() < LISTED {
            true => self.findings.push(finding),
            false => self.omitted += 1,
        }
    }

    /// Tells what was found by the check.
    fn tell(&mut self) {
        for flaw in std::mem::take(&mut self.checked.flaws) {
            let entry = flaw.finding.entry.as_deref().map(str::to_owned);
            let (code, detail) = (flaw.finding.code.as_str(), flaw.finding.detail.to_string());
            let of = self.checked.manifest.as_ref();
            let told = finding(of, flaw.piece, code, entry, detail);
            self.refused.extend(flaw.piece);
            self.add(told);
        }
    }

    /// What becomes of it, by what was found so far.
    pub(super) fn judge(&mut self, acceptance: Acceptance) {
        let pieces = self.checked.manifest.as_ref().map_or(0, Manifest::pieces);
        self.outcome = match acceptance {
            _ if self.outcome == Outcome::Rejected => Outcome::Rejected,
            _ if self.findings.is_empty() => Outcome::Accepted,
            Acceptance::ValidPieces if self.refused.len() < pieces => Outcome::Partial,
            _ => Outcome::Rejected,
        };
    }
}

fn finding(
    manifest: Option<&Manifest>,
    at: Option<PieceAt>,
    code: &str,
    entry: Option<String>,
    detail: String,
) -> ArchiveFinding {
    let place = at.zip(manifest).and_then(|(at, manifest)| {
        let dossier = manifest.dossiers.get(at.dossier)?;
        let piece = dossier.pieces.get(at.piece)?;
        Some((dossier.dossier_id.clone(), piece.uid.to_string()))
    });
    let (dossier_id, piece_uid) = place.unzip();
    ArchiveFinding {
        code: code.to_owned(),
        entry,
        dossier_id,
        piece_uid,
        detail,
    }
}

/// Where a checked file's bytes lie, in the blob that was checked.
pub fn place(checked: &Checked, entry: usize, container: uuid::Uuid) -> Option<Container> {
    let place = checked.directory.entries.get(entry)?.place;
    Some(Container {
        id: container,
        offset: place.offset,
        length: place.length,
        method: match place.method {
            crate::codec::Method::Stored => Method::Stored,
            crate::codec::Method::Deflate => Method::Deflate,
        },
    })
}
