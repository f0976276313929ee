//! What `navette archive check` answers, for a program and for a person.

use std::path::Path;

use serde::Serialize;

use crate::{
    codec::Finding,
    domain::archives::{
        Manifest,
        check::{Checked, Flaw},
    },
};

/// What a check answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    valid: bool,
    format: Option<&'static str>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    dossiers: usize,
    pieces: usize,
    files: usize,
    bytes: u64,
    /// Whose rules were asked: the project's by the settings, or those of the command line.
    rules: &'static str,
    /// What is wrong.
    pub findings: Vec<Told>,
}

/// One finding, with its piece.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    #[serde(flatten)]
    finding: Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    dossier_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    piece_uid: Option<String>,
}

impl Report {
    /// Of an archive that was not opened.
    pub fn refused(size: u64, findings: Vec<Finding>) -> Self {
        let told = |finding| Told {
            finding,
            dossier_id: None,
            piece_uid: None,
        };
        Self {
            valid: false,
            format: None,
            size,
            project: None,
            dossiers: 0,
            pieces: 0,
            files: 0,
            bytes: 0,
            rules: "command-line",
            findings: findings.into_iter().map(told).collect(),
        }
    }

    /// Of one that was checked by these rules.
    pub fn of(format: &'static str, size: u64, rules: &'static str, checked: Checked) -> Self {
        let manifest = checked.manifest.as_ref();
        let named = |flaw: Flaw| {
            let dossier = flaw.piece.and_then(|at| manifest?.dossiers.get(at.dossier));
            let piece = flaw.piece.and_then(|at| dossier?.pieces.get(at.piece));
            Told {
                finding: flaw.finding,
                dossier_id: dossier.map(|dossier| dossier.dossier_id.clone()),
                piece_uid: piece.map(|piece| piece.uid.to_string()),
            }
        };
        let count = |of: fn(&Manifest) -> usize| manifest.map_or(0, of);
        Self {
            valid: checked.flaws.is_empty(),
            format: Some(format),
            size,
            project: manifest.map(|manifest| manifest.project.clone()),
            dossiers: count(|manifest| manifest.dossiers.len()),
            pieces: count(Manifest::pieces),
            files: count(Manifest::files),
            bytes: checked.directory.bytes,
            rules,
            findings: checked.flaws.into_iter().map(named).collect(),
        }
    }

    /// What a person reads.
    pub fn text(&self, file: &Path) -> String {
        let mut lines: Vec<String> = Vec::new();
        for told in &self.findings {
            let whose = match (&told.dossier_id, &told.piece_uid) {
                (Some(dossier), Some(piece)) => format!(" [{dossier} / {piece}]"),
                _ => String::new(),
            };
            lines.push(format!("{}{whose}", told.finding));
        }
        let verdict = match self.findings.len() {
            0 => "no fault".to_owned(),
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        };
        let format = self.format.unwrap_or("not opened");
        lines.push(format!(
            "{verdict}: {} ({format}, {} bytes), {} dossiers, {} pieces, {} files of {} bytes",
            file.display(),
            self.size,
            self.dossiers,
            self.pieces,
            self.files,
            self.bytes
        ));
        if self.rules != "settings" {
            lines.push(
                "the project's own rules were not at hand (see --config, --sae, --media-type)"
                    .to_owned(),
            );
        }
        lines.join("\n")
    }
}
