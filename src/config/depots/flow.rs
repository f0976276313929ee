//! A flow: one direction through a depot, for one project.
//!
//! Every key of a flow is read whatever its direction, so that one that does not belong there is told by what it would
//! need, not as unknown.

use std::{collections::BTreeSet, time::Duration};

use super::{super::reader::Reader, cft};

/// One direction through a depot, for one project.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its name, unique in its depot.
    pub name: String,
    /// The project that its archives are of.
    pub project: String,
    /// Where its files lie: a folder of the depot. For a CFT, which knows none, it is made of partner and model
    /// ([`cft::incoming`], [`cft::outgoing`]).
    pub path: String,
    /// CFT only: the partner's name there (`PART`).
    pub part: Option<String>,
    /// CFT only: the model file identifier (`IDF`).
    pub idf: Option<String>,
    /// What is done there.
    pub direction: Direction,
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
    /// How names without the UTF-8 flag are read.
    pub code_page: CodePage,
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
    /// The zip specification's own.
    Cp437,
    /// MS-DOS, Western Europe.
    Cp850,
    /// Windows, Western Europe.
    Cp1252,
    /// What most other tools write.
    Utf8,
}

/// A word of the settings and what it stands for.
type Words<T> = [(&'static str, T)];

const FORMATS: &Words<Format> = &[
    ("zip", Format::Zip),
    ("tar", Format::Tar),
    ("tar.gz", Format::TarGz),
];

const CODE_PAGES: &Words<CodePage> = &[
    ("cp437", CodePage::Cp437),
    ("cp850", CodePage::Cp850),
    ("cp1252", CodePage::Cp1252),
    ("utf-8", CodePage::Utf8),
];

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

/// The flows of a depot, with what concerns several of them.
pub(super) fn read_all(reader: &mut Reader, cft: bool) -> Vec<Flow> {
    let count = reader.count("flow");
    if count == 0 {
        reader.wrong("flow", "name at least one");
    }
    let flows: Vec<_> = (0..count)
        .map(|at| Section { reader, at }.flow(cft))
        .collect();
    let mut names = BTreeSet::new();
    for (at, flow) in flows.iter().enumerate() {
        if !flow.name.is_empty() && !names.insert(&flow.name) {
            let detail = "another flow of the depot has this name";
            reader.wrong(&format!("flow[{at}].name"), detail);
        }
        if let Direction::Acknowledgments(ack) = &flow.direction {
            let out = |flow: &&Flow| matches!(flow.direction, Direction::Out(_));
            let known = |flow: &Flow| flow.name == ack.answers;
            if !ack.answers.is_empty() && !flows.iter().filter(out).any(known) {
                let detail = "expected the name of a flow of this depot with direction \"out\"";
                reader.wrong(&format!("flow[{at}].answers"), detail);
            }
        }
    }
    flows
}

/// The keys of one `[[flow]]`.
struct Section<'a> {
    reader: &'a mut Reader,
    at: usize,
}

impl Section<'_> {
    fn key(&self, name: &str) -> String {
        format!("flow[{}].{name}", self.at)
    }

    fn wrong(&mut self, name: &str, detail: &str) {
        let key = self.key(name);
        self.reader.wrong(&key, detail);
    }

    fn text(&mut self, name: &str) -> String {
        let key = self.key(name);
        self.reader.text(&key)
    }

    fn optional(&mut self, name: &str) -> Option<String> {
        let key = self.key(name);
        self.reader.optional_text(&key)
    }

    fn flow(&mut self, cft: bool) -> Flow {
        let mut flow = Flow {
            name: self.text("name"),
            project: self.text("project"),
            path: match cft {
                true => String::new(),
                false => self.folder("path"),
            },
            part: self.cft_only("part", cft),
            idf: self.cft_only("idf", cft),
            direction: self.direction(),
        };
        if !flow.name.is_empty() && !super::is_name(&flow.name) {
            self.wrong("name", "expected 1 to 64 of a-z, 0-9 and -");
        }
        if cft {
            self.address(&mut flow);
        }
        flow
    }

    /// Makes the paths of a CFT's flow of its partner and models.
    fn address(&mut self, flow: &mut Flow) {
        let part = flow.part.clone().unwrap_or_default();
        let idf = flow.idf.clone().unwrap_or_default();
        let mut words = vec![("part", part.clone()), ("idf", idf.clone())];
        match &mut flow.direction {
            Direction::Out(_) => flow.path = cft::outgoing(&part, &idf),
            Direction::Acknowledgments(_) => flow.path = cft::incoming(&part, &idf),
            Direction::In(incoming) => {
                words.push(("receipts", incoming.receipts.clone()));
                flow.path = cft::incoming(&part, &idf);
                incoming.receipts = cft::outgoing(&part, &incoming.receipts);
            }
        }
        for (name, word) in words {
            if !word.is_empty() && !cft::is_identifier(&word) {
                self.wrong(name, "expected 1 to 32 of A-Z, a-z, 0-9, _ and -");
            }
        }
    }

    fn cft_only(&mut self, name: &str, cft: bool) -> Option<String> {
        match cft {
            true => Some(self.text(name)),
            false => None,
        }
    }

    fn direction(&mut self) -> Direction {
        match self.text("direction").as_str() {
            "in" => Direction::In(self.incoming()),
            "out" => Direction::Out(self.outgoing()),
            "acknowledgments" => Direction::Acknowledgments(self.acknowledgments()),
            other => {
                if !other.is_empty() {
                    let detail = "expected \"in\", \"out\" or \"acknowledgments\"";
                    self.wrong("direction", detail);
                }
                Direction::Out(self.outgoing())
            }
        }
    }

    fn incoming(&mut self) -> Incoming {
        Incoming {
            pattern: self
                .optional("pattern")
                .unwrap_or_else(|| "*.zip".to_owned()),
            complete: self.complete(),
            then: self.then(),
            receipts: self.folder("receipts"),
            rejected: self.optional_folder("rejected"),
            client: self.optional("client"),
            code_page: self.word("code_page", CODE_PAGES),
        }
    }

    fn outgoing(&mut self) -> Outgoing {
        let deadline = self.key("ack_deadline_seconds");
        Outgoing {
            format: self.word("format", FORMATS),
            marker: self.suffix("marker"),
            ack_deadline: self.reader.seconds(&deadline, 86_400, 90 * 86_400),
        }
    }

    fn acknowledgments(&mut self) -> Acknowledgments {
        let ca = self.key("signer_ca");
        let pattern = self.optional("pattern");
        let read = Acknowledgments {
            answers: self.text("answers"),
            pattern: pattern.unwrap_or_else(|| "{name}.ack.json".to_owned()),
            complete: self.complete(),
            then: self.then(),
            signature: self.suffix("signature"),
            signer_ca: self.reader.optional_file(&ca),
        };
        if !read.pattern.contains("{name}") && !read.pattern.contains("{id}") {
            let detail = "must hold {name} or {id}: else nobody knows which return it acknowledges";
            self.wrong("pattern", detail);
        }
        if read.signature.is_some() != read.signer_ca.is_some() {
            let detail = "signature and signer_ca go together";
            self.wrong("signer_ca", detail);
        }
        read
    }

    fn complete(&mut self) -> Complete {
        let marker = self.suffix("marker");
        let word = self.optional("complete");
        match (word.as_deref().unwrap_or("rename"), marker) {
            ("rename", None) => Complete::Rename,
            ("stable", None) => Complete::Stable,
            ("marker", marker) => Complete::Marker(marker.unwrap_or_else(|| ".ok".to_owned())),
            ("rename" | "stable", Some(_)) => {
                self.wrong("marker", "only where complete = \"marker\"");
                Complete::Rename
            }
            _ => {
                self.wrong("complete", "expected \"rename\", \"marker\" or \"stable\"");
                Complete::Rename
            }
        }
    }

    fn then(&mut self) -> Then {
        let moved = self.optional_folder("moved");
        let word = self.optional("then");
        match (word.as_deref().unwrap_or("delete"), moved) {
            ("delete", None) => Then::Delete,
            ("move", Some(moved)) => Then::Move(moved),
            ("delete" | "move", _) => {
                self.wrong("moved", "goes together with then = \"move\"");
                Then::Delete
            }
            _ => {
                self.wrong("then", "expected \"delete\" or \"move\"");
                Then::Delete
            }
        }
    }

    /// The first of the words is the default.
    fn word<T: Copy>(&mut self, name: &str, words: &Words<T>) -> T {
        let word = self.optional(name).unwrap_or_else(|| words[0].0.to_owned());
        if let Some((_, meant)) = words.iter().find(|(known, _)| *known == word) {
            return *meant;
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.wrong(name, &format!("expected one of: {}", known.join(", ")));
        words[0].1
    }

    fn suffix(&mut self, name: &str) -> Option<String> {
        let suffix = self.optional(name)?;
        if !suffix.starts_with('.') || suffix.contains('/') {
            self.wrong(name, "expected a suffix, such as \".ok\"");
        }
        Some(suffix)
    }

    fn folder(&mut self, name: &str) -> String {
        let path = self.text(name);
        self.checked(name, path)
    }

    fn optional_folder(&mut self, name: &str) -> Option<String> {
        let path = self.optional(name)?;
        Some(self.checked(name, path))
    }

    fn checked(&mut self, name: &str, path: String) -> String {
        if path.split('/').any(|part| part == "..") || path.contains('\0') {
            self.wrong(name, "must not lead out of the depot");
        }
        path
    }
}
