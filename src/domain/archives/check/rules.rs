//! What a project and a flow ask of an archive.

use super::{Flaw, Manifest, PieceAt};
use crate::{
    codec::{CodePage, Finding, FindingCode, Format, Limits},
    config::{
        Project,
        depots::{self, Incoming},
    },
    domain::processing::sniff,
};

/// The rules of one check.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The project that the flow serves; none takes any.
    pub project: Option<String>,
    /// The manifest's project is none that the settings know.
    pub unknown_project: bool,
    /// The formats that the flow takes, by their names; an empty list takes all.
    pub formats: Vec<String>,
    /// The applications that may send here; an empty list takes all.
    pub applications: Vec<String>,
    /// Whether probative archiving (SAE) makes the hash mandatory.
    pub sae: bool,
    /// The media types that the project takes; an empty list takes all.
    pub media_types: Vec<String>,
    /// What an archive may cost.
    pub limits: Limits,
    /// What the names' bytes mean where the archive does not say.
    pub code_page: CodePage,
    /// The manifest that came beside the archive, as of a single `gz`; it counts only where the archive holds none.
    pub beside: Option<Vec<u8>>,
    /// How many threads read; 0 is as many as there are processors, four at most.
    pub threads: usize,
}

impl Rules {
    /// The rules of a project, by its settings.
    pub fn of(project: &Project) -> Self {
        Self {
            project: Some(project.name.clone()),
            sae: project.sae,
            media_types: project.media_types.clone(),
            ..Self::default()
        }
    }

    /// The same for what comes by a flow.
    pub fn by(mut self, flow: &Incoming) -> Self {
        self.formats.clone_from(&flow.formats);
        self.applications.clone_from(&flow.applications);
        self.code_page = match flow.code_page {
            depots::CodePage::Auto => CodePage::Auto,
            depots::CodePage::Cp437 => CodePage::Cp437,
            depots::CodePage::Cp850 => CodePage::Cp850,
            depots::CodePage::Cp1252 => CodePage::Cp1252,
            depots::CodePage::Utf8 => CodePage::Utf8,
        };
        self
    }

    /// What an archive of this format is refused for before it is opened; nothing where it is taken.
    pub fn unwanted(&self, format: Format) -> Option<Finding> {
        let is_taken =
            self.formats.is_empty() || self.formats.iter().any(|name| name == format.as_str());
        let detail = || {
            format!(
                "Le flux prend {}, et non {format}.",
                self.formats.join(", ")
            )
        };
        (!is_taken).then(|| Finding::new(FindingCode::FormatNotAccepted, detail()))
    }

    /// What the manifest alone tells against the rules.
    pub(super) fn flaws(&self, manifest: &Manifest) -> Vec<Flaw> {
        let mut flaws: Vec<_> = self
            .whole(manifest)
            .map(|finding| Flaw {
                finding,
                piece: None,
            })
            .collect();
        for (number, dossier) in manifest.dossiers.iter().enumerate() {
            for (piece, of) in dossier.pieces.iter().enumerate() {
                let at = PieceAt {
                    dossier: number,
                    piece,
                };
                let found = of.files.iter().flat_map(|file| self.file(file));
                flaws.extend(found.map(|finding| Flaw {
                    finding,
                    piece: Some(at),
                }));
            }
        }
        flaws
    }

    fn whole(&self, manifest: &Manifest) -> impl Iterator<Item = Finding> {
        let project = self
            .project
            .as_ref()
            .filter(|name| **name != manifest.project);
        let project = project.map(|name| {
            Finding::new(
                FindingCode::ProjectMismatch,
                format!("Le projet attendu ici est {name}."),
            )
        });
        let unknown = self.unknown_project.then(|| {
            Finding::new(
                FindingCode::ProjectMismatch,
                "Ce projet n'est pas connu de cette passerelle.",
            )
        });
        let known = &self.applications;
        let foreign = !known.is_empty() && !known.contains(&manifest.source_application);
        let application = foreign.then(|| {
            let detail = "Cette application n'est pas autorisée à déposer ici.";
            Finding::new(FindingCode::ApplicationForbidden, detail)
        });
        project.into_iter().chain(unknown).chain(application)
    }

    fn file(&self, file: &super::super::manifest::File) -> impl Iterator<Item = Finding> {
        let hash = self.sae && file.hash.is_none();
        let hash = hash.then(|| {
            let detail =
                "L'archivage à valeur probante du projet exige l'empreinte de chaque fichier.";
            Finding::at(FindingCode::HashRequired, &file.name, detail)
        });
        let kind = !sniff::listed(&self.media_types, &file.media_type);
        let kind = kind.then(|| {
            let detail = format!("Le projet n'accepte pas le type {}.", file.media_type);
            Finding::at(FindingCode::MediaTypeNotAccepted, &file.name, detail)
        });
        hash.into_iter().chain(kind)
    }
}
