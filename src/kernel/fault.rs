//! The one error type. A fault has a stable code that programs test, a public text, and an internal cause that is logged
//! and never sent. It knows nothing of HTTP: `http::problem` holds the table from code to status.
//!
//! Faults of one stage are gathered ([`Fault::gathered`]) and reported together (API-4), those of the settings by their places
//! ([`Gathering`](super::gathering::Gathering)).
//! To add a code: one line in the list below, one in `http::problem`, one in the contract's enum; tests compare the three.

use std::fmt;

/// What every fallible function of the house answers.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The stable codes of every fault, on all channels.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The code as it is written on the wire, in logs and in the journal.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// No client certificate on a route that demands one.
    CertificateRequired = "certificate-required",
    /// No bearer token.
    TokenMissing = "token-missing",
    /// Not a token of ours: signature, algorithm, issuer or audience.
    TokenInvalid = "token-invalid",
    /// A token whose life is over.
    TokenExpired = "token-expired",
    /// A token bound to another certificate (RFC 8705).
    TokenCertificateMismatch = "token-certificate-mismatch",
    /// The client was revoked after the token was issued.
    ClientRevoked = "client-revoked",
    /// The token lacks the operation's scope.
    ScopeInsufficient = "scope-insufficient",
    /// The project or source application is not among the client's.
    PerimeterForbidden = "perimeter-forbidden",
    /// Nothing there, or nothing that this client may see.
    NotFound = "not-found",
    /// Its term of keeping is over: content, metadata and results were destroyed.
    Purged = "purged",
    /// The path exists, the verb does not.
    MethodNotAllowed = "method-not-allowed",
    /// The body came slower than the minimum rate, or not at all.
    BodyTooSlow = "body-too-slow",
    /// The same piece uid and iteration came before with another content.
    PieceConflict = "piece-conflict",
    /// A sending under the same idempotency key is still in flight.
    RequestInFlight = "request-in-flight",
    /// The idempotency key stands for another sending.
    IdempotencyKeyReused = "idempotency-key-reused",
    /// The return is on its way already.
    ReturnPending = "return-pending",
    /// Over the limit of a complete transaction (API-3).
    TooLarge = "too-large",
    /// The request's own content type is not the operation's.
    RequestTypeUnsupported = "request-type-unsupported",
    /// The project does not take this media type.
    MediaTypeNotAccepted = "media-type-not-accepted",
    /// The content is not of the declared type.
    TypeMismatch = "type-mismatch",
    /// Not readable as a request: broken multipart, cut body, unknown query parameter.
    RequestMalformed = "request-malformed",
    /// No `metadata` part.
    MetadataMissing = "metadata-missing",
    /// `metadata` came after `content`.
    MetadataMisplaced = "metadata-misplaced",
    /// More than one `metadata` part.
    MetadataRepeated = "metadata-repeated",
    /// No `content` part.
    ContentMissing = "content-missing",
    /// Not one JSON object without duplicate keys, 32 levels deep at most.
    MetadataNotJson = "metadata-not-json",
    /// Over 65,536 bytes of metadata.
    MetadataTooLarge = "metadata-too-large",
    /// Several faults in the metadata: see `errors`.
    MetadataInvalid = "metadata-invalid",
    /// A mandatory field is not there.
    Required = "required",
    /// A field's value is not of the expected form.
    Invalid = "invalid",
    /// A field is longer than its limit.
    TooLong = "too-long",
    /// A number is outside of its range.
    OutOfRange = "out-of-range",
    /// A field that the contract does not know.
    UnknownField = "unknown-field",
    /// No such project is configured.
    UnknownProject = "unknown-project",
    /// The project's SAE makes the hash mandatory.
    HashRequired = "hash-required",
    /// The announced hash is not a value of its algorithm.
    HashMalformed = "hash-malformed",
    /// The content has another hash than the announced one.
    HashMismatch = "hash-mismatch",
    /// The antivirus has not found the content clean: it is handed out to nobody.
    ContentHeld = "content-held",
    /// The content is empty.
    ContentEmpty = "content-empty",
    /// Several faults in the content: see `errors`.
    ContentInvalid = "content-invalid",
    /// A range that the content does not have.
    RangeNotSatisfiable = "range-not-satisfiable",
    /// A part of the house is away for now: try again.
    Unavailable = "unavailable",
    /// No room left on the store or in the database.
    StorageFull = "storage-full",
    /// The certificate that signs receipts is outside its dates: nothing is taken in that could not be proven.
    SignerExpired = "signer-expired",
    /// Stored bytes are not what was written.
    Corrupt = "corrupt",
    /// The clock contradicts what was written before: nothing is destroyed by it.
    ClockUntrusted = "clock-untrusted",
    /// The configuration does not load.
    Configuration = "configuration",
    /// A command was given something it cannot use.
    Usage = "usage",
    /// The partner's answer, or its silence, is no acknowledgment.
    PartnerRefused = "partner-refused",
    /// No connection to the depot, or its silence.
    DepotUnreachable = "depot-unreachable",
    /// The depot's SSH key is none of those that we know it by.
    HostKeyRefused = "host-key-refused",
    /// The depot's TLS certificate is not one that we trust.
    DepotCertificateRefused = "depot-certificate-refused",
    /// The depot and we have no safe algorithm or protocol version in common.
    DepotInsecure = "depot-insecure",
    /// The depot does not let us in.
    DepotLoginRefused = "depot-login-refused",
    /// The depot lets us in, and does not let us do this there.
    DepotDenied = "depot-denied",
    /// No room left on the depot.
    DepotFull = "depot-full",
    /// Another file of this name lies on the depot.
    DepotFileExists = "depot-file-exists",
    /// The file or folder is not on the depot.
    DepotFileMissing = "depot-file-missing",
    /// The file on the depot is no longer the one that was listed: start again.
    DepotFileChanged = "depot-file-changed",
    /// The depot refuses for a reason that it does not tell.
    DepotRefused = "depot-refused",
    /// The connection was lost, or fell silent, on the way: what was transferred is kept, and taken up again.
    TransferCut = "transfer-cut",
    /// A fault of ours.
    Internal = "internal",
}

impl Code {
    /// Whether it tells of a depot: of what is outside, and may be otherwise later.
    pub fn is_of_depot(self) -> bool {
        matches!(self, Self::HostKeyRefused | Self::TransferCut)
            || self.as_str().starts_with("depot-")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One fault at one place of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// Where: a JSON pointer (RFC 6901) into the request, such as `/metadata/iteration`.
    pub pointer: String,
    /// What, for a program.
    pub code: Code,
    /// What, for a person.
    pub detail: String,
}

impl FieldFault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
        }
    }
}

/// A name as a step of such a pointer: shown at most, and safely.
pub fn step(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    plain.replace('~', "~0").replace('/', "~1")
}

/// An error: one code, one public text, the faults behind it, and a cause for the log.
#[derive(Clone)]
pub struct Fault(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    detail: String,
    errors: Vec<FieldFault>,
    cause: Option<String>,
    is_early: bool,
}

impl Fault {
    /// A fault with a public text.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            cause: None,
            is_early: false,
        }))
    }

    /// A fault of ours: the text goes to the log, never to the caller.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Internal,
            "Erreur interne ; l'incident est journalisé.",
        )
        .because(cause)
    }

    /// A part of the house that does not answer for now.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "Service momentanément indisponible ; réessayez après le délai indiqué.",
        )
        .because(cause)
    }

    /// All faults of one stage: one shared code speaks for itself, several stand behind `general`. `None` without fault.
    pub fn gathered(general: Code, summary: &str, errors: Vec<FieldFault>) -> Option<Self> {
        let first = errors.first()?;
        let shared = errors.iter().all(|fault| fault.code == first.code);
        let code = if shared { first.code } else { general };
        let detail = match errors.len() {
            1 => first.detail.clone(),
            _ => summary.to_owned(),
        };
        let mut fault = Self::new(code, detail);
        fault.0.errors = errors;
        Some(fault)
    }

    /// Adds the internal cause, for the log.
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Says that what was asked for is the caller's, and is only not there yet: an answer, and no refusal.
    pub fn early(mut self) -> Self {
        self.0.is_early = true;
        self
    }

    /// Whether it is so.
    pub fn is_early(&self) -> bool {
        self.0.is_early
    }

    /// Adds the faults behind this one.
    pub fn with_errors(mut self, errors: Vec<FieldFault>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The text that the caller may read.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The faults behind this one, each at its place.
    pub fn errors(&self) -> &[FieldFault] {
        &self.0.errors
    }

    /// The text with the cause, for whoever has written what is wrong: an operator.
    pub fn explained(&self) -> String {
        match self.cause() {
            Some(cause) => format!("{} ({cause})", self.detail()),
            None => self.detail().to_owned(),
        }
    }

    /// What is logged and never sent.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)?;
        for fault in &self.0.errors {
            write!(f, "\n  {} [{}] {}", fault.pointer, fault.code, fault.detail)?;
        }
        match &self.0.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: Code) -> FieldFault {
        FieldFault::new("/x", code, "…")
    }

    #[test]
    fn faults_of_one_code_speak_for_themselves_and_several_stand_behind_a_general_one() {
        let same = vec![fault(Code::Required), fault(Code::Required)];
        let mixed = vec![fault(Code::Required), fault(Code::OutOfRange)];
        let code = |errors| Fault::gathered(Code::MetadataInvalid, "…", errors).map(|f| f.code());
        assert_eq!(code(same), Some(Code::Required));
        assert_eq!(code(mixed), Some(Code::MetadataInvalid));
        assert_eq!(code(Vec::new()), None);
    }
}
