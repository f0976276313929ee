//! An archive held against its manifest and the project's rules: every fault at once, each with the piece it concerns.
//!
//! # The way through
//! [`check`] reads the structure ([`Directory`]), finds the manifest, reads it, matches its files with the entries, and
//! then reads every declared file once: size, checksum, hash, first bytes. What is wrong with the structure ends it there,
//! for nothing else can be believed. Files are hashed many at once, in the vector lanes where the processor has no better
//! (`hashing`).
//!
//! It blocks, on a thread of the caller's and a few of its own; memory follows the number of files, never their sizes.

mod content;
mod hashing;
mod matching;
mod rules;
mod verdict;

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    codec::{Directory, Finding, Format, Refusal, Source, Window},
    domain::processing::sniff::TypeFinding,
    kernel::{
        digest::Sha256,
        fault::{Fault, Result},
    },
};

use super::manifest::Manifest;
pub use rules::Rules;

/// A piece, by its places in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceAt {
    /// Its dossier's place among the dossiers.
    pub dossier: usize,
    /// Its place among the dossier's pieces.
    pub piece: usize,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What.
    pub finding: Finding,
    /// With which piece; none where it is the whole archive.
    pub piece: Option<PieceAt>,
}

/// A declared file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedFile {
    /// Of which piece.
    pub at: PieceAt,
    /// Its place among the piece's files.
    pub file: usize,
    /// Its place among the directory's entries.
    pub entry: usize,
    /// SHA-256 of its content.
    pub sha256: Sha256,
    /// SHA-512 of its content, where that is what was announced.
    pub sha512: Option<Box<[u8; 64]>>,
    /// What its first bytes say of the declared type.
    pub found: Arc<TypeFinding>,
}

/// What a check has found.
#[derive(Debug, Default)]
pub struct Checked {
    /// The manifest, where it could be read.
    pub manifest: Option<Manifest>,
    /// What the archive holds, where its structure could be read.
    pub directory: Directory,
    /// The declared files that were read whole, in the order of the manifest. None of a structure that is not safe.
    pub files: Vec<CheckedFile>,
    /// Everything that is wrong.
    pub flaws: Vec<Flaw>,
}

impl Checked {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.flaws.is_empty()
    }

    /// Whether something is wrong with the archive itself, so that none of its pieces may be taken.
    pub fn is_refused_whole(&self) -> bool {
        self.manifest.is_none() || self.flaws.iter().any(|flaw| flaw.piece.is_none())
    }

    /// Every piece with a flaw of its own.
    pub fn faulty(&self) -> BTreeSet<PieceAt> {
        self.flaws.iter().filter_map(|flaw| flaw.piece).collect()
    }

    fn refused(findings: Vec<Finding>) -> Self {
        let whole = |finding| Flaw {
            finding,
            piece: None,
        };
        Self {
            flaws: findings.into_iter().map(whole).collect(),
            ..Self::default()
        }
    }
}

/// Who watches a check.
pub trait Progress: Sync {
    /// Reading begins, of so many bytes.
    fn begin(&self, bytes: u64);
    /// So many bytes more were read.
    fn advance(&self, bytes: u64);
}

/// Nobody.
impl Progress for () {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// Checks the archive `source` of `format`: a whole zip or tar, or the unpacked text of a `tar.gz` or `gz`. Blocks.
///
/// Fails only where the source does not answer (`corrupt`, `unavailable`): what is wrong with the archive is a [`Flaw`].
pub fn check<S: Source + ?Sized>(
    source: &S,
    format: Format,
    rules: &Rules,
    progress: &dyn Progress,
) -> Result<Checked> {
    let (directory, found) = match opened(source, format, rules)? {
        Ok(opened) => opened,
        Err(findings) => return Ok(Checked::refused(findings)),
    };
    let (manifest, entry) = match found {
        Ok(found) => found,
        Err(findings) => {
            return Ok(Checked {
                directory,
                ..Checked::refused(findings)
            });
        }
    };
    let mut flaws = rules.flaws(&manifest);
    let plan = matching::plan(&manifest, &directory, entry, format, &mut flaws);
    let files = content::read(
        source, &manifest, &directory, plan, rules, progress, &mut flaws,
    )?;
    Ok(Checked {
        manifest: Some(manifest),
        directory,
        files,
        flaws,
    })
}

/// The manifest of an archive alone, as [`check`] would read it; none where it would refuse structure or manifest.
pub fn manifest<S: Source + ?Sized>(
    source: &S,
    format: Format,
    rules: &Rules,
) -> Result<Option<Manifest>> {
    let found = opened(source, format, rules)?
        .ok()
        .and_then(|(_, found)| found.ok());
    Ok(found.map(|(manifest, _)| manifest))
}

/// A manifest, and the entry that it is.
type Found = (Manifest, Option<usize>);

type Told<T> = Result<T, Vec<Finding>>;

/// The structure and the manifest, or what is wrong with either.
fn opened<S: Source + ?Sized>(
    source: &S,
    format: Format,
    rules: &Rules,
) -> Result<Told<(Directory, Told<Found>)>> {
    let window = source.reader().and_then(Window::new);
    let mut window = window.map_err(unreadable)?;
    let directory = Directory::read(&mut window, format, &rules.limits, rules.code_page);
    let directory = match told(directory)? {
        Ok(directory) => directory,
        Err(findings) => return Ok(Err(findings)),
    };
    let found = told(matching::manifest(&directory, &mut window, format, rules))?;
    Ok(Ok((directory, found)))
}

fn told<T>(read: Result<T, Refusal>) -> Result<Told<T>> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(Refusal::Unsafe(findings)) => Ok(Err(findings)),
        Err(Refusal::Unreadable(error)) => Err(unreadable(error)),
    }
}

/// A source that does not answer: a fault of the house that it carries, or one of the moment.
fn unreadable(error: std::io::Error) -> Fault {
    carried(&error).unwrap_or_else(|| Fault::unavailable(error))
}

fn carried(error: &std::io::Error) -> Option<Fault> {
    let inner = error.get_ref()?;
    // A parser in between may have shared the error.
    let shared = || carried(inner.downcast_ref::<Arc<std::io::Error>>()?);
    inner.downcast_ref::<Fault>().cloned().or_else(shared)
}
