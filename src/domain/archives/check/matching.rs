//! The files of a manifest and the entries of an archive, each with the other.

use std::{
    collections::HashMap,
    io::{BufReader, Read, Seek},
};

use super::{super::manifest, Flaw, PieceAt, Rules};
use crate::codec::{Directory, Entry, Finding, FindingCode, Format, Refusal, Window, comparable};

use super::Manifest;

/// What Java's packer adds by itself, and nobody declares.
const JAVA: &str = "META-INF/MANIFEST.MF";
/// The most bytes of that.
const JAVA_MOST: u64 = 64 << 10;

/// A declared file that is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub at: PieceAt,
    pub file: usize,
    pub entry: usize,
}

impl Match {
    /// The file, in the manifest.
    pub fn of<'m>(&self, manifest: &'m Manifest) -> &'m manifest::File {
        &manifest.dossiers[self.at.dossier].pieces[self.at.piece].files[self.file]
    }
}

/// Reads the manifest; with it the entry that it is, where it lies in the archive.
pub(super) fn manifest<R: Read + Seek>(
    directory: &Directory,
    window: &mut Window<R>,
    format: Format,
    rules: &Rules,
) -> Result<(Manifest, Option<usize>), Refusal> {
    match (inside(directory, format)?, &rules.beside) {
        (Some(entry), _) => {
            let file = &directory.entries[entry];
            read(file, window, rules).map(|manifest| (manifest, Some(entry)))
        }
        (None, Some(beside)) => Manifest::parse(&beside[..]).map(|manifest| (manifest, None)),
        (None, None) => Err(Refusal::one(FindingCode::ManifestMissing, missing(format))),
    }
}

fn missing(format: Format) -> String {
    match format {
        Format::Gz => "Le manifeste d'un gz simple est attendu à côté de lui.".to_owned(),
        _ => format!(
            "Ni {} ni {} à la racine de l'archive.",
            manifest::JSON,
            manifest::XML
        ),
    }
}

fn inside(directory: &Directory, format: Format) -> Result<Option<usize>, Refusal> {
    if format == Format::Gz {
        return Ok(None);
    }
    let place = |name| {
        directory
            .entries
            .iter()
            .position(|entry| &*entry.name == name)
    };
    match (place(manifest::JSON), place(manifest::XML)) {
        (Some(_), Some(_)) => {
            let detail = "Deux manifestes, l'un en JSON et l'autre en XML.";
            Err(Refusal::one(FindingCode::ManifestAmbiguous, detail))
        }
        (json, xml) => Ok(json.or(xml)),
    }
}

fn read<R: Read + Seek>(
    file: &Entry,
    window: &mut Window<R>,
    rules: &Rules,
) -> Result<Manifest, Refusal> {
    if file.size > rules.limits.manifest {
        let detail = format!("{} octets au plus.", rules.limits.manifest);
        return Err(Finding::at(FindingCode::ManifestTooLarge, &file.name, detail).into());
    }
    let mut content = BufReader::with_capacity(64 << 10, file.open(window));
    let manifest = Manifest::parse(&mut content)?;
    // The checksum is known at the end only.
    std::io::copy(&mut content, &mut std::io::sink())?;
    Ok(manifest)
}

/// Matches by name, accents composed on both sides. What is missing is the piece's flaw, what is too much the archive's.
pub(super) fn plan(
    manifest: &Manifest,
    directory: &Directory,
    own: Option<usize>,
    format: Format,
    flaws: &mut Vec<Flaw>,
) -> Vec<Match> {
    let entries = directory.entries.iter().enumerate();
    let mut left: HashMap<String, usize> = entries
        .filter(|(place, entry)| Some(*place) != own && !is_javas(entry))
        .map(|(place, entry)| (comparable(&entry.name), place))
        .collect();
    let single = format == Format::Gz && manifest.files() == 1;
    let mut plan = Vec::with_capacity(manifest.files());
    for (at, file, declared) in files(manifest) {
        // The one file of a gz has the name that the manifest gives it.
        let name = if single {
            Directory::ONLY
        } else {
            &declared.name
        };
        match left.remove(name) {
            Some(entry) => plan.push(Match { at, file, entry }),
            None => flaws.push(Flaw {
                finding: Finding::at(
                    FindingCode::MissingFile,
                    &declared.name,
                    "Ce fichier du manifeste n'est pas dans l'archive.",
                ),
                piece: Some(at),
            }),
        }
    }
    undeclared(directory, left, flaws);
    plan
}

/// Every declared file with its places.
fn files(manifest: &Manifest) -> impl Iterator<Item = (PieceAt, usize, &manifest::File)> {
    let dossiers = manifest.dossiers.iter().enumerate();
    dossiers.flat_map(|(dossier, of)| {
        let pieces = of.pieces.iter().enumerate();
        pieces.flat_map(move |(piece, of)| {
            let at = PieceAt { dossier, piece };
            of.files
                .iter()
                .enumerate()
                .map(move |(file, of)| (at, file, of))
        })
    })
}

fn is_javas(entry: &Entry) -> bool {
    &*entry.name == JAVA && entry.size <= JAVA_MOST
}

fn undeclared(directory: &Directory, left: HashMap<String, usize>, flaws: &mut Vec<Flaw>) {
    let mut places: Vec<_> = left.into_values().collect();
    places.sort_unstable();
    flaws.extend(places.into_iter().map(|place| {
        let name = &directory.entries[place].name;
        let detail = "Ce fichier de l'archive n'est déclaré par aucune pièce.";
        Flaw {
            finding: Finding::at(FindingCode::UndeclaredFile, name, detail),
            piece: None,
        }
    }));
}
