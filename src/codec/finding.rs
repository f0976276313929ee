//! What is wrong with an archive: a stable code, the entry, a French text for its sender.

use std::{fmt, io, sync::Arc};

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The stable codes of what may be wrong with an archive, as receipts carry them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FindingCode { $($(#[$doc])* $variant,)* }

        impl FindingCode {
            /// Every code there is.
            pub const ALL: &[FindingCode] = &[$(FindingCode::$variant,)*];

            /// The code as receipts and programs see it.
            pub fn as_str(self) -> &'static str {
                match self { $(FindingCode::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// Neither zip nor tar nor gzip by its content.
    FormatUnknown = "format-unknown",
    /// A format that the flow does not take.
    FormatNotAccepted = "format-not-accepted",
    /// It ends before its structure does.
    Truncated = "truncated",
    /// A structure that contradicts itself or its format.
    Malformed = "malformed",
    /// Bytes before the first entry.
    PrefixBytes = "prefix-bytes",
    /// Bytes after the end.
    TrailingBytes = "trailing-bytes",
    /// Bytes between entries that belong to none.
    HiddenBytes = "hidden-bytes",
    /// Parts of it are on other volumes.
    MultiVolume = "multi-volume",
    /// An entry that cannot be read without a password.
    EncryptedEntry = "encrypted-entry",
    /// Compressed by a method other than deflate.
    MethodUnsupported = "method-unsupported",
    /// A name that leads elsewhere, or that a reader would see otherwise.
    UnsafePath = "unsafe-path",
    /// A name of more bytes than the limit.
    NameTooLong = "name-too-long",
    /// A name whose bytes are no text in the agreed code page.
    NameUnreadable = "name-unreadable",
    /// Two entries of one name: the same bytes, letters' case or accents apart, or a file that is a folder elsewhere.
    DuplicateName = "duplicate-name",
    /// Two entries over the same bytes.
    OverlappingEntries = "overlapping-entries",
    /// A symbolic or hard link.
    LinkEntry = "link-entry",
    /// A device, a pipe or a socket.
    DeviceEntry = "device-entry",
    /// A file with holes.
    SparseEntry = "sparse-entry",
    /// A file that asks to run as its owner.
    SetuidEntry = "setuid-entry",
    /// An entry that is neither a file nor a folder.
    SpecialEntry = "special-entry",
    /// More entries than the limit.
    TooManyEntries = "too-many-entries",
    /// More bytes than the limit, as it came or once unpacked.
    TooLarge = "too-large",
    /// It swells more than the limit: a bomb.
    RatioExceeded = "ratio-exceeded",
    /// A size that is not the one announced in the archive.
    FalseSize = "false-size",
    /// A content whose checksum is not the archive's.
    FalseCrc = "false-crc",
    /// An entry's own header says otherwise than the directory.
    FalseHeader = "false-header",
    /// A content that does not inflate.
    DamagedContent = "damaged-content",
    /// A gzip of several members.
    GzipMembers = "gzip-members",
    /// No manifest at the root.
    ManifestMissing = "manifest-missing",
    /// Two manifests.
    ManifestAmbiguous = "manifest-ambiguous",
    /// A manifest over the limit.
    ManifestTooLarge = "manifest-too-large",
    /// A manifest that is neither JSON nor XML as agreed.
    ManifestUnreadable = "manifest-unreadable",
    /// A field of the manifest that is not as agreed.
    ManifestInvalid = "manifest-invalid",
    /// Another project than the flow's.
    ProjectMismatch = "project-mismatch",
    /// An application that may not send here.
    ApplicationForbidden = "application-forbidden",
    /// A SIRET that is none (its key).
    SiretInvalid = "siret-invalid",
    /// A piece uid that stands twice in one dossier and iteration.
    DuplicatePiece = "duplicate-piece",
    /// A file that two pieces claim.
    DuplicateFile = "duplicate-file",
    /// The project's SAE makes the hash mandatory.
    HashRequired = "hash-required",
    /// The content has another hash than the announced one.
    HashMismatch = "hash-mismatch",
    /// The content has another size than the announced one.
    SizeMismatch = "size-mismatch",
    /// A file of the manifest that is not in the archive.
    MissingFile = "missing-file",
    /// A file of the archive that is not in the manifest.
    UndeclaredFile = "undeclared-file",
    /// A file without content.
    EmptyFile = "empty-file",
    /// A type that the project does not take.
    MediaTypeNotAccepted = "media-type-not-accepted",
    /// A content that is not of its declared type.
    TypeMismatch = "type-mismatch",
    /// The antivirus found something.
    VirusFound = "virus-found",
    /// The antivirus has no verdict on it, now or later: it is over what the antivirus looks at.
    NotScanned = "not-scanned",
    /// An accepted piece of that uid, dossier and iteration comes again with another content.
    PieceConflict = "piece-conflict",
    /// More faults than are told one by one.
    More = "more-faults",
}

impl FindingCode {
    /// Whether it can concern one piece alone, so that the other pieces may be taken where the project says so. Of
    /// everything else, the whole archive is refused.
    pub fn is_of_a_piece(self) -> bool {
        use FindingCode as Code;
        matches!(
            self,
            Code::HashRequired
                | Code::HashMismatch
                | Code::SizeMismatch
                | Code::MissingFile
                | Code::EmptyFile
                | Code::MediaTypeNotAccepted
                | Code::TypeMismatch
                | Code::VirusFound
                | Code::NotScanned
                | Code::PieceConflict
        )
    }
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FindingCode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// One thing that is wrong, for the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, for a program.
    pub code: FindingCode,
    /// The entry's name, made printable; none where it is about the archive itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// What, for a person, in French.
    pub detail: String,
}

/// The most characters of an entry's name that are told.
const TOLD: usize = 200;

impl Finding {
    /// About the archive itself.
    pub fn new(code: FindingCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            entry: None,
            detail: detail.into(),
        }
    }

    /// About one entry, by its name however hostile.
    pub fn at(code: FindingCode, entry: &str, detail: impl Into<String>) -> Self {
        Self {
            entry: Some(printable(entry)),
            ..Self::new(code, detail)
        }
    }

    /// The finding that an error of a reader of this room carries, where it carries one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        let inner = error.get_ref()?;
        // A parser in between may have shared the error.
        let shared = || Self::of(inner.downcast_ref::<Arc<io::Error>>()?);
        inner.downcast_ref().or_else(shared)
    }
}

/// A name without what a terminal or a reader would obey, and not too long.
fn printable(name: &str) -> String {
    let shown = |c: char| match super::names::is_printable(c) {
        true => c,
        false => '\u{FFFD}',
    };
    let mut told: String = name.chars().take(TOLD).map(shown).collect();
    if name.chars().nth(TOLD).is_some() {
        told.push('…');
    }
    told
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(f, "{} {entry} : {}", self.code, self.detail),
            None => write!(f, "{} : {}", self.code, self.detail),
        }
    }
}

impl std::error::Error for Finding {}

impl From<Finding> for io::Error {
    fn from(finding: Finding) -> Self {
        Self::new(io::ErrorKind::InvalidData, finding)
    }
}

/// Why an archive was not read.
#[derive(Debug)]
pub enum Refusal {
    /// It is not safe, or not whole: every fault that could be told, one at least.
    Unsafe(Vec<Finding>),
    /// The source did not answer: nothing is said of the archive, and another attempt may pass.
    Unreadable(io::Error),
}

impl Refusal {
    /// One fault.
    pub fn one(code: FindingCode, detail: impl Into<String>) -> Self {
        Self::Unsafe(vec![Finding::new(code, detail)])
    }

    /// The findings; an error of the source is handed back.
    pub fn findings(self) -> Result<Vec<Finding>, io::Error> {
        match self {
            Self::Unsafe(findings) => Ok(findings),
            Self::Unreadable(error) => Err(error),
        }
    }
}

impl From<Finding> for Refusal {
    fn from(finding: Finding) -> Self {
        Self::Unsafe(vec![finding])
    }
}

/// An error of a reader: a finding where it carries one, else the source's own.
impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match Finding::of(&error) {
            Some(finding) => finding.clone().into(),
            None => Self::Unreadable(error),
        }
    }
}

/// Findings as they are gathered: so many are told one by one, then one more says that there are others.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

/// The most findings of one walk.
const MOST: usize = 1000;

impl Findings {
    /// Adds one. `false` once there is no room for more: the walk may end.
    pub fn add(&mut self, finding: Finding) -> bool {
        match self.0.len() {
            full if full > MOST => return false,
            MOST => self.0.push(Finding::new(
                FindingCode::More,
                "D'autres anomalies ne sont pas détaillées.",
            )),
            _ => self.0.push(finding),
        }
        self.0.len() <= MOST
    }

    /// The value, where nothing was found.
    pub fn none<T>(self, value: T) -> Result<T, Refusal> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(Refusal::Unsafe(self.0)),
        }
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
