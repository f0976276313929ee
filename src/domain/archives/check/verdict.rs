//! What a file that was read tells against its manifest and the project's rules.

use std::sync::Arc;

use super::{CheckedFile, Flaw, PieceAt, Rules, hashing::Outcome, matching::Match};
use crate::{
    codec::{Entry, Finding, FindingCode},
    domain::{
        archives::manifest::File,
        processing::sniff::{self, TypeFinding},
    },
    kernel::digest::Digests,
};

/// A file with all that it is held against.
pub(super) struct Judge<'a> {
    pub one: Match,
    pub file: &'a File,
    pub entry: &'a Entry,
    pub rules: &'a Rules,
}

/// What was found so far, in the order in which it was.
#[derive(Default)]
pub(super) struct Verdicts {
    files: Vec<CheckedFile>,
    flaws: Vec<(PieceAt, usize, Flaw)>,
    /// Few, and shared by all files of one declared and real type.
    types: Vec<Arc<TypeFinding>>,
}

impl Verdicts {
    /// Room for so many files: a list that grew would stand twice in memory.
    pub fn of(files: usize) -> Self {
        Self {
            files: Vec::with_capacity(files),
            ..Self::default()
        }
    }

    /// Adds a file's outcome.
    pub fn add(&mut self, judge: &Judge<'_>, outcome: Outcome) {
        let Match { at, file, entry } = judge.one;
        let (digests, prefix) = match outcome {
            Outcome::Whole { digests, prefix } => (digests, prefix),
            Outcome::False(finding) => {
                // The archive says otherwise than it holds: that is not the piece's alone.
                self.flaws.push((
                    at,
                    file,
                    Flaw {
                        finding,
                        piece: None,
                    },
                ));
                return;
            }
        };
        let found = self.shared(sniff::compare(&prefix, &judge.file.media_type));
        let wrong = judge.wrong(&digests, &found).into_iter();
        self.flaws.extend(wrong.map(|finding| {
            let piece = Some(at);
            (at, file, Flaw { finding, piece })
        }));
        self.files.push(CheckedFile {
            at,
            file,
            entry,
            sha256: digests.sha256,
            sha512: digests.sha512.map(Box::new),
            found,
        });
    }

    fn shared(&mut self, found: TypeFinding) -> Arc<TypeFinding> {
        if let Some(known) = self.types.iter().find(|known| ***known == found) {
            return Arc::clone(known);
        }
        let new = Arc::new(found);
        self.types.push(Arc::clone(&new));
        new
    }

    /// Files and flaws in the order of the manifest.
    pub fn ordered(mut self) -> (Vec<CheckedFile>, Vec<Flaw>) {
        self.files.sort_unstable_by_key(|one| (one.at, one.file));
        self.flaws.sort_by_key(|(at, file, _)| (*at, *file));
        let flaws = self.flaws.into_iter().map(|(_, _, flaw)| flaw);
        (self.files, flaws.collect())
    }
}

impl Judge<'_> {
    fn wrong(&self, digests: &Digests, found: &TypeFinding) -> Vec<Finding> {
        let mut wrong = Vec::new();
        let mut add = |code, detail: String| wrong.push(Finding::at(code, &self.file.name, detail));
        let size = self.entry.size;
        if let Some(told) = self.file.size.filter(|told| *told != size) {
            add(
                FindingCode::SizeMismatch,
                format!("{told} octets annoncés, {size} reçus."),
            );
        }
        let told = self.file.hash.as_ref();
        if told.is_some_and(|told| digests.of(told.algorithm) != Some(&told.value[..])) {
            add(
                FindingCode::HashMismatch,
                "L'empreinte du contenu n'est pas celle du manifeste.".to_owned(),
            );
        }
        if size == 0 {
            add(FindingCode::EmptyFile, "Le fichier est vide.".to_owned());
        } else if !found.agrees {
            let actual = found.actual.as_deref().unwrap_or("inconnu");
            let detail = format!(
                "Le contenu n'est pas du type annoncé {} (type reconnu : {actual}).",
                found.declared
            );
            add(FindingCode::TypeMismatch, detail);
        }
        // A type that is not listed at all was told of the manifest alone.
        let list = &self.rules.media_types;
        if sniff::listed(list, &found.declared) && !sniff::accepted(list, found) {
            add(
                FindingCode::MediaTypeNotAccepted,
                format!("Le projet n'accepte pas le type {}.", found.known()),
            );
        }
        wrong
    }
}
