//! `projects/*.toml`: one file per project (market lot), its formats, its return channel, its limits.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use super::{alerts::Alerts, antivirus, forward::Forward, reader::Reader, returns::Returns};
use crate::kernel::{cidr::Cidr, schema::Schema, term::Term};

/// The months of a project that names no term.
const MONTHS: u8 = 3;

/// The projects by name, shared by all who read them.
pub type Projects = Arc<BTreeMap<String, Arc<Project>>>;

/// One project.
#[derive(Clone, Debug)]
pub struct Project {
    /// The file of its settings.
    pub file: PathBuf,
    /// Its name on the wire: lower-case letters, digits and hyphens, 64 characters at most.
    pub name: String,
    /// Whether probative archiving (SAE) makes the hash mandatory (API-11).
    pub sae: bool,
    /// Whether a content goes on only once the antivirus has found it clean.
    pub antivirus: bool,
    /// The media types that it takes.
    pub media_types: Vec<String>,
    /// What a return must conform to before it leaves (TRC-3), where something was agreed.
    pub result_schema: Option<Arc<Schema>>,
    /// What becomes of an archive of which some pieces are not sound.
    pub acceptance: Acceptance,
    /// How its returns leave.
    pub returns: Returns,
    /// Its own API, where it has one: a project whose returns all leave through a depot needs none.
    pub callback: Option<Callback>,
    /// How long what it received and made is kept, from the acknowledgment of its return (ARC-5, PAP-2).
    pub retention: Term,
    /// Who is told of its incidents, where not the gateway's contacts.
    pub alerts: Alerts,
    /// Where what it accepts goes on to, where it does.
    pub forward: Option<Forward>,
}

/// What becomes of an archive of which some pieces are not sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is refused whole.
    Whole,
    /// Its sound pieces are accepted, and the others named.
    ValidPieces,
}

/// The default return channel: a POST to the project's own API (API-10).
#[derive(Clone, Debug)]
pub struct Callback {
    /// Where: an https URL.
    pub url: String,
    /// Our client certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key_file: PathBuf,
    /// The authorities that the partner's server certificate must come from, PEM.
    pub ca: PathBuf,
    /// The file of the ed25519 key that signs (`whsk_…`, Standard Webhooks).
    pub webhook_key_file: PathBuf,
    /// The file of a secret shared with the partner (`whsec_…`), where he checks by a published library, which knows no
    /// other signature.
    pub webhook_secret_file: Option<PathBuf>,
    /// What is allowed inside the network: hosts by name, ranges of addresses (`10.1.0.0/16`).
    pub allow: Vec<String>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many attempts are made before the return is `undelivered`.
    pub attempts: u32,
    /// Over how long the attempts are spread.
    pub over: Duration,
    /// After how many failures in a row, of whatever returns, the partner is only probed.
    pub slow_after: u32,
    /// The pause before the first probe; each is twice the one before, up to half an hour.
    pub probe: Duration,
}

impl Project {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let name = reader.text("project");
        if !name.is_empty() && !is_name(&name) {
            reader.wrong("project", "expected 1 to 64 of a-z, 0-9 and -");
        }
        if name == super::hubee::PROJECT {
            reader.wrong(
                "project",
                "is the name under which the hub keeps its folders",
            );
        }
        let media_types = reader.list("media_types");
        if media_types.is_empty() {
            reader.wrong(
                "media_types",
                "name at least one, such as \"application/pdf\"",
            );
        }
        let returns = Returns::read(reader);
        Self {
            file: reader.source(),
            name,
            sae: reader.flag("sae", false),
            antivirus: antivirus::required(reader),
            media_types,
            result_schema: result_schema(reader),
            acceptance: acceptance(reader),
            callback: Callback::of(reader, returns.by_depot()),
            returns,
            retention: retention(reader),
            alerts: Alerts::read(reader),
            forward: Forward::read(reader),
        }
    }
}

/// The schema of results, compiled now: one that does not compile is a fault of the settings.
fn result_schema(reader: &mut Reader) -> Option<Arc<Schema>> {
    let path = reader.optional_file("result_schema")?;
    // A file that is not there was told already.
    let text = std::fs::read(path).ok()?;
    match Schema::compile(&text) {
        Ok(schema) => Some(Arc::new(schema)),
        Err(why) => {
            reader.wrong("result_schema", &format!("does not compile: {why}"));
            None
        }
    }
}

fn acceptance(reader: &mut Reader) -> Acceptance {
    match reader.optional_text("acceptance").as_deref() {
        None | Some("whole") => Acceptance::Whole,
        Some("valid-pieces") => Acceptance::ValidPieces,
        Some(_) => {
            reader.wrong("acceptance", "expected \"whole\" or \"valid-pieces\"");
            Acceptance::Whole
        }
    }
}

fn retention(reader: &mut Reader) -> Term {
    let default = Term::months(MONTHS);
    let Some(text) = reader.optional_text("retention") else {
        return default;
    };
    Term::parse(&text).unwrap_or_else(|fault| {
        reader.wrong("retention", fault.detail());
        default
    })
}

impl Callback {
    /// The project's own API, which it may leave out where its returns leave `by_depot`.
    fn of(reader: &mut Reader, by_depot: bool) -> Option<Self> {
        let left_out = by_depot && reader.optional_text("callback.url").is_none();
        (!left_out).then(|| Self::read(reader))
    }

    fn read(reader: &mut Reader) -> Self {
        let url = reader.text("callback.url");
        if !url.is_empty() && !url.starts_with("https://") {
            reader.wrong("callback.url", "expected an https:// URL");
        }
        Self {
            url,
            certificate: reader.file("callback.certificate"),
            key_file: reader.file("callback.key_file"),
            ca: reader.file("callback.ca"),
            webhook_key_file: reader.file("callback.webhook_key_file"),
            webhook_secret_file: reader.optional_file("callback.webhook_secret_file"),
            allow: allowed(reader, "callback.allow"),
            timeout: reader.seconds("callback.timeout_seconds", 30, 300),
            attempts: reader.number("callback.attempts", 12, 1, 100) as u32,
            over: reader.seconds("callback.over_seconds", 72 * 3600, 30 * 86_400),
            slow_after: reader.number("callback.slow_after", 10, 1, 100_000) as u32,
            probe: reader.seconds("callback.probe_seconds", 60, 86_400),
        }
    }
}

/// Hosts and ranges: what is written like a range must be one, all else must be a bare host.
fn allowed(reader: &mut Reader, key: &str) -> Vec<String> {
    let entries = reader.list(key);
    let is_host = |entry: &str| !entry.is_empty() && !entry.contains(['/', ' ', '@', '*']);
    for entry in &entries {
        if !is_host(entry) && Cidr::parse(entry).is_none() {
            let detail = format!("{entry}: expected a host, or a range such as 10.1.0.0/16");
            reader.wrong(key, &detail);
        }
    }
    entries
}

/// Whether `name` may name a project.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&name.len()) && name.chars().all(plain)
}
