//! From objects, as they come one by one, to a manifest without a fault, or to all its faults.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::{Data, Dossier, JSON, Manifest, Piece, Pli, siret::is_siret};
use crate::{
    codec::{Finding, FindingCode, Refusal},
    config::is_name,
    domain::exchanges::{
        fields::Fields,
        metadata::{ITERATIONS, LONG, SHORT},
    },
    kernel::fault::{Code, FieldFault},
};

/// The most faults that are told.
const MOST: usize = 1000;

/// What was read so far.
#[derive(Default)]
pub(super) struct Reading {
    findings: Vec<Finding>,
    dossiers: Vec<Draft>,
    media_types: HashMap<String, Arc<str>>,
}

/// A dossier, before it is known whether it may leave its id out.
struct Draft {
    pointer: String,
    dossier_id: Option<String>,
    iteration: Option<u32>,
    business_data: Data,
    pieces: Vec<Piece>,
}

/// One fault, of the whole text.
pub(super) fn unreadable(detail: impl Into<String>) -> Refusal {
    Finding::at(FindingCode::ManifestUnreadable, JSON, detail).into()
}

impl Reading {
    /// A fault at a JSON pointer.
    pub fn wrong(&mut self, code: FindingCode, pointer: &str, detail: &str) {
        if self.findings.len() < MOST {
            let detail = format!("{pointer} : {detail}");
            self.findings.push(Finding::at(code, JSON, detail));
        }
    }

    pub fn invalid(&mut self, pointer: &str, detail: &str) {
        self.wrong(FindingCode::ManifestInvalid, pointer, detail);
    }

    pub fn absorb(&mut self, faults: Vec<FieldFault>) {
        for fault in faults {
            self.invalid(&fault.pointer, &fault.detail);
        }
    }

    /// One text for all files of one type.
    pub fn media_type(&mut self, text: String) -> Arc<str> {
        let shared = self.media_types.entry(text);
        let shared = shared.or_insert_with_key(|text| Arc::from(&**text));
        Arc::clone(shared)
    }

    /// The fields of a dossier at `pointer`, its pieces already read; `pieces` is none where there was no such field.
    pub fn dossier(
        &mut self,
        pointer: &str,
        object: Map<String, Value>,
        pieces: Option<Vec<Piece>>,
    ) {
        let mut fields = Fields::new(pointer, object);
        self.draft(pointer, &mut fields, pieces);
        self.absorb(fields.finish());
    }

    fn draft(&mut self, pointer: &str, fields: &mut Fields, pieces: Option<Vec<Piece>>) {
        let iteration = fields.take("iteration").map(|value| {
            let mut one = Fields::new(pointer, Map::from_iter([("iteration".to_owned(), value)]));
            let number = one.number("iteration", 1, ITERATIONS);
            fields.absorb(one.finish());
            number
        });
        let draft = Draft {
            pointer: pointer.to_owned(),
            dossier_id: fields.optional_text("dossierId", LONG),
            iteration,
            business_data: self.business_data(pointer, fields).into(),
            pieces: pieces.unwrap_or_default(),
        };
        if draft.pieces.is_empty() {
            fields.wrong("pieces", Code::Required, "Une pièce au moins est attendue.");
        }
        self.check_uids(&draft);
        self.dossiers.push(draft);
    }

    /// Business data; a SIRET among them must be one.
    pub fn business_data(&mut self, pointer: &str, fields: &mut Fields) -> Map<String, Value> {
        let data = fields.object("businessData");
        let wrong = data
            .get("siret")
            .filter(|siret| !siret.as_str().is_some_and(is_siret));
        if wrong.is_some() {
            let pointer = format!("{pointer}/businessData/siret");
            let detail = "Quatorze chiffres dont la clé est juste sont attendus.";
            self.wrong(FindingCode::SiretInvalid, &pointer, detail);
        }
        data
    }

    fn check_uids(&mut self, draft: &Draft) {
        let mut seen = HashSet::new();
        for (place, piece) in draft.pieces.iter().enumerate() {
            if !piece.uid.is_empty() && !seen.insert(&piece.uid) {
                let pointer = format!("{}/pieces/{place}/uid", draft.pointer);
                self.wrong(
                    FindingCode::DuplicatePiece,
                    &pointer,
                    "Une autre pièce du dossier porte cet identifiant.",
                );
            }
        }
    }

    /// The manifest's own fields, everything else being read. Of one dossier they are its fields too.
    pub fn root(
        mut self,
        object: Map<String, Value>,
        pieces: Option<Vec<Piece>>,
        several: bool,
    ) -> Result<Manifest, Refusal> {
        let mut fields = Fields::new("", object);
        match several {
            false => self.draft("", &mut fields, pieces),
            true if pieces.is_some() => {
                fields.wrong(
                    "pieces",
                    Code::Invalid,
                    "Soit « pieces », soit « dossiers », jamais les deux.",
                );
            }
            true if self.dossiers.is_empty() => {
                fields.wrong(
                    "dossiers",
                    Code::Required,
                    "Un dossier au moins est attendu.",
                );
            }
            true => {}
        }
        let pli = self.pli(&mut fields);
        let project = fields.text("project", SHORT);
        if !project.is_empty() && !is_name(&project) {
            fields.wrong(
                "project",
                Code::Invalid,
                "Un nom de projet : a-z, 0-9 et « - ».",
            );
        }
        let manifest = Manifest {
            project,
            source_application: fields.text("sourceApplication", SHORT),
            contract_reference: fields.optional_text("contractReference", LONG),
            dossiers: self.finished(pli.as_ref()),
            pli,
        };
        self.absorb(fields.finish());
        self.check_names(&manifest);
        match self.findings.is_empty() {
            true => Ok(manifest),
            false => Err(Refusal::Unsafe(self.findings)),
        }
    }

    fn pli(&mut self, fields: &mut Fields) -> Option<Pli> {
        match fields.optional_text("kind", SHORT).as_deref() {
            Some("pli") => {}
            None | Some("archive") => return None,
            Some(_) => {
                fields.wrong("kind", Code::Invalid, "« archive » ou « pli » est attendu.");
                return None;
            }
        }
        let pli_id = fields.text("pliId", LONG);
        let received_on = date(fields, "receivedOn");
        let digitised_on = date(fields, "digitisedOn");
        if digitised_on < received_on {
            fields.wrong(
                "digitisedOn",
                Code::Invalid,
                "Un pli est reçu avant d'être numérisé.",
            );
        }
        Some(Pli {
            pli_id,
            received_on,
            digitised_on,
        })
    }

    /// The dossiers with what they may leave out.
    fn finished(&mut self, pli: Option<&Pli>) -> Vec<Dossier> {
        let drafts = std::mem::take(&mut self.dossiers);
        let mut seen = HashSet::new();
        let mut dossiers = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let pointer = draft.pointer;
            let mut missing =
                |field: &str| self.invalid(&format!("{pointer}/{field}"), "Champ obligatoire.");
            let dossier_id = draft
                .dossier_id
                .or_else(|| pli.map(|pli| pli.pli_id.clone()));
            let iteration = draft.iteration.or(pli.map(|_| 1));
            if dossier_id.is_none() {
                missing("dossierId");
            }
            if iteration.is_none() {
                missing("iteration");
            }
            let (dossier_id, iteration) = (dossier_id.unwrap_or_default(), iteration.unwrap_or(1));
            if !dossier_id.is_empty() && !seen.insert((dossier_id.clone(), iteration)) {
                let detail = "Ce dossier est déjà dans le manifeste avec cette itération.";
                self.invalid(&format!("{pointer}/dossierId"), detail);
            }
            dossiers.push(Dossier {
                dossier_id,
                iteration,
                business_data: draft.business_data,
                pieces: draft.pieces,
            });
        }
        dossiers
    }

    /// No file stands twice in the whole manifest.
    fn check_names(&mut self, manifest: &Manifest) {
        let mut seen = HashSet::new();
        let pieces = manifest.dossiers.iter().flat_map(|dossier| &dossier.pieces);
        for file in pieces.flat_map(|piece| &piece.files) {
            if !file.name.is_empty() && !seen.insert(&file.name) {
                let detail = format!("Le fichier {} est déclaré deux fois.", file.name);
                self.wrong(FindingCode::DuplicateFile, "", &detail);
            }
        }
    }
}

/// A day; the first of all where it is missing or wrong, and the fault is kept.
fn date(fields: &mut Fields, field: &str) -> Date {
    let text = fields.text(field, SHORT);
    let day: Option<Date> = text
        .parse()
        .ok()
        .filter(|_| text.len() == "2026-01-31".len());
    if day.is_none() && !text.is_empty() {
        fields.wrong(
            field,
            Code::Invalid,
            "Une date est attendue, comme 2026-01-31.",
        );
    }
    day.unwrap_or_default()
}
