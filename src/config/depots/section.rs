//! The keys of a depot's flows.
//!
//! Every key of a flow is read whatever its direction, so that one that does not belong there is told by what it would
//! need, not as unknown.

use std::collections::BTreeSet;

use super::{
    super::reader::Reader,
    cft,
    flow::{
        Acknowledgments, CodePage, Complete, Direction, Flow, Format, Incoming, Outgoing, Then,
    },
    overlap,
};

/// A word of the settings and what it stands for.
type Words<T> = [(&'static str, T)];

const FORMATS: &Words<Format> = &[
    ("zip", Format::Zip),
    ("tar", Format::Tar),
    ("tar.gz", Format::TarGz),
];

/// What archives may be, by their content.
const ARCHIVES: [&str; 4] = ["zip", "tar", "tar.gz", "gz"];

const CODE_PAGES: &Words<CodePage> = &[
    ("auto", CodePage::Auto),
    ("cp437", CodePage::Cp437),
    ("cp850", CodePage::Cp850),
    ("cp1252", CodePage::Cp1252),
    ("utf-8", CodePage::Utf8),
];

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
    overlap::refuse(reader, &flows);
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

    fn list(&mut self, name: &str) -> Vec<String> {
        let key = self.key(name);
        self.reader.list(&key)
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
            formats: self.formats(),
            applications: self.list("applications"),
            code_page: self.word("code_page", CODE_PAGES),
        }
    }

    fn formats(&mut self) -> Vec<String> {
        let formats = self.list("formats");
        if formats
            .iter()
            .any(|word| !ARCHIVES.contains(&word.as_str()))
        {
            self.wrong(
                "formats",
                &format!("expected some of: {}", ARCHIVES.join(", ")),
            );
        }
        match formats.is_empty() {
            true => ARCHIVES.map(str::to_owned).into(),
            false => formats,
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
        if read.pattern == "{name}" {
            let detail = "must not be the name of the return itself";
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
