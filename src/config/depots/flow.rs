//! A flow: one direction through a depot, for one project. How its keys are read is in `section`.

use std::time::Duration;

use wildmatch::WildMatch;

/// What the names of a receipt's two files end with; no archive's does.
pub const RECEIPTS: [&str; 2] = [".ack.json", ".ack.p7s"];
/// What a gz's manifest is called: the archive's own name, then this. No archive is called so.
pub const MANIFESTS: [&str; 2] = [".manifest.json", ".manifest.xml"];

/// One direction through a depot, for one project.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its name, unique in its depot.
    pub name: String,
    /// The project that its archives are of.
    pub project: String,
    /// Where its files lie: a folder of the depot. For a CFT, which knows none, it is made of partner and model
    /// ([`incoming`](super::cft::incoming), [`outgoing`](super::cft::outgoing)).
    pub path: String,
    /// CFT only: the partner's name there (`PART`).
    pub part: Option<String>,
    /// CFT only: the model file identifier (`IDF`).
    pub idf: Option<String>,
    /// What is done there.
    pub direction: Direction,
}

impl Flow {
    /// Whether a file of this name in its folder is for it: one that it takes, or what lies beside one.
    pub fn knows(&self, name: &str) -> bool {
        let (pattern, beside) = match &self.direction {
            Direction::In(incoming) => (incoming.pattern.clone(), incoming.beside()),
            Direction::Acknowledgments(acks) => (acks.any_name(), acks.beside()),
            Direction::Out(_) => return false,
        };
        let pattern = WildMatch::new(&pattern);
        let mut stems = beside.iter().filter_map(|ending| name.strip_suffix(ending));
        pattern.matches(name) || stems.any(|stem| pattern.matches(stem))
    }
}

/// What a flow does.
#[derive(Clone, Debug)]
pub enum Direction {
    /// Archives are taken, and receipts left.
    In(Incoming),
    /// Returns are left.
    Out(Outgoing),
    /// Acknowledgments of returns are taken.
    Acknowledgments(Acknowledgments),
}

/// Archives are taken.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The names that are taken (`*` and `?`); all others are left alone.
    pub pattern: String,
    /// When a file is complete.
    pub complete: Complete,
    /// What becomes of the source once its receipt is durable.
    pub then: Then,
    /// Where receipts are left; for a CFT, made of the partner and the model (`IDF`) that they are sent by.
    pub receipts: String,
    /// Where refused archives are moved to; nowhere: they are treated like accepted ones.
    pub rejected: Option<String>,
    /// The API client that sees what came here, where there is one: exchanges, receipts, events.
    pub client: Option<String>,
    /// The formats that are taken, told by content.
    pub formats: Vec<String>,
    /// The source applications whose archives are taken; an empty list takes all.
    pub applications: Vec<String>,
    /// How names without the UTF-8 flag are read.
    pub code_page: CodePage,
}

impl Incoming {
    /// What the names of files end with that are taken for no archive: they lie beside one, or are of ours.
    pub fn beside(&self) -> Vec<&str> {
        let known = RECEIPTS.into_iter().chain(MANIFESTS);
        known.chain(self.complete.marker()).collect()
    }
}

/// Returns are left.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The archive's format.
    pub format: Format,
    /// The suffix of the empty file that tells the partner that an archive is complete, where he wants one.
    pub marker: Option<String>,
    /// How long the partner's acknowledgment is awaited before an incident is reported.
    pub ack_deadline: Duration,
}

/// Acknowledgments of returns are taken.
#[derive(Clone, Debug)]
pub struct Acknowledgments {
    /// The outgoing flow of this depot whose returns they acknowledge.
    pub answers: String,
    /// The names of the files, `{name}` being that of the return archive and `{id}` the return's id, beside `*` and `?`.
    pub pattern: String,
    /// When a file is complete.
    pub complete: Complete,
    /// What becomes of it once it is kept.
    pub then: Then,
    /// The suffix of the detached signature beside it, where the partner signs.
    pub signature: Option<String>,
    /// The authorities that the signer's certificate must come from, PEM; there is one where there is a suffix.
    pub signer_ca: Option<std::path::PathBuf>,
}

impl Acknowledgments {
    /// What is added to a file's name by what lies beside it.
    pub fn beside(&self) -> Vec<&str> {
        let signature = self.signature.as_deref();
        signature
            .into_iter()
            .chain(self.complete.marker())
            .collect()
    }

    /// The names of its files, whatever the return.
    pub fn any_name(&self) -> String {
        self.named("*", "*")
    }

    /// The names of the files that are about the return of this name and id.
    pub fn named(&self, name: &str, id: &str) -> String {
        self.pattern.replace("{name}", name).replace("{id}", id)
    }
}

/// When a file is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complete {
    /// As soon as it bears a name of the pattern: the sender writes under another and renames.
    Rename,
    /// As soon as an empty file with this suffix stands beside it.
    Marker(String),
    /// When size and date are the same in two polls.
    Stable,
}

impl Complete {
    /// The suffix of the marker, where one is awaited.
    pub fn marker(&self) -> Option<&str> {
        match self {
            Self::Marker(suffix) => Some(suffix),
            Self::Rename | Self::Stable => None,
        }
    }
}

/// What becomes of a file that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is removed.
    Delete,
    /// It is moved to this folder of the depot.
    Move(String),
}

/// The formats of an archive that we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.zip`
    Zip,
    /// `.tar`
    Tar,
    /// `.tar.gz`
    TarGz,
}

/// The code pages of names that do not say theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePage {
    /// UTF-8 where the bytes are UTF-8, else the zip specification's own.
    Auto,
    /// The zip specification's own.
    Cp437,
    /// MS-DOS, Western Europe.
    Cp850,
    /// Windows, Western Europe.
    Cp1252,
    /// What most other tools write.
    Utf8,
}

impl Format {
    /// Its word in the settings, which is the suffix of a file of it, too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
        }
    }
}
