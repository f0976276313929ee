//! Axway's Transfer CFT on this machine: where it hands files over, and how it is asked to send some.
//!
//! Its flows know no folders but partners (`PART`) and models (`IDF`). So that the rest of the house need not know of that,
//! their paths are made of these: [`incoming`] below the spool, [`outgoing`] below the work folder.

use std::path::PathBuf;

use super::super::reader::Reader;

/// The resource of the REST API that takes a request to send a file, as the product's guide of 3.6 and later has it.
const RESOURCE: &str = "/cft/api/v1/transfers/files/outgoings";

/// How the monitor is met.
#[derive(Clone, Debug)]
pub struct Cft {
    /// The folder in which its end-of-transfer procedure leaves what it received, each file with its sidecar.
    pub spool: PathBuf,
    /// The folder on the monitor's volume where files to send are put.
    pub work: PathBuf,
    /// How it is asked to send.
    pub send: CftSend,
}

/// How the monitor is asked to send.
#[derive(Clone, Debug)]
pub enum CftSend {
    /// By its command.
    Cftutil {
        /// The program.
        command: PathBuf,
        /// Variables of its environment, such as `CFTDIRRUNTIME`: what its `profile` sets.
        environment: Vec<(String, String)>,
    },
    /// By its REST API.
    Rest {
        /// Where a request to send is POSTed.
        url: String,
        /// Who we are there.
        login: CftLogin,
        /// The authorities that its certificate must come from, PEM.
        ca: PathBuf,
    },
}

/// Who we are to the REST API.
#[derive(Clone, Debug)]
pub enum CftLogin {
    /// A name, and the file of its password.
    Password(String, PathBuf),
    /// The file of an access token.
    Token(PathBuf),
}

/// The path of a flow whose files come by this partner and model.
pub fn incoming(part: &str, idf: &str) -> String {
    format!("in/{part}/{idf}")
}

/// The path of a flow whose files leave to this partner by this model.
pub fn outgoing(part: &str, idf: &str) -> String {
    format!("out/{part}/{idf}")
}

/// Whether a word may name a partner or a model: it is written into a command of the monitor and into a path.
pub fn is_identifier(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=32).contains(&word.len()) && word.chars().all(plain)
}

impl Cft {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            spool: reader.place("cft.spool"),
            work: reader.place("cft.work"),
            send: send(reader),
        }
    }
}

fn send(reader: &mut Reader) -> CftSend {
    match reader.optional_text("cft.send").as_deref() {
        Some("rest") => rest(reader),
        None | Some("cftutil") => cftutil(reader),
        Some(_) => {
            reader.wrong("cft.send", "expected \"cftutil\" or \"rest\"");
            cftutil(reader)
        }
    }
}

fn cftutil(reader: &mut Reader) -> CftSend {
    let command = reader.optional_text("cft.cftutil");
    let mut environment = Vec::new();
    for variable in reader.list("cft.environment") {
        match variable.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                environment.push((name.to_owned(), value.to_owned()));
            }
            _ => reader.wrong("cft.environment", "expected \"NAME=value\" each"),
        }
    }
    CftSend::Cftutil {
        command: command.unwrap_or_else(|| "CFTUTIL".to_owned()).into(),
        environment,
    }
}

fn rest(reader: &mut Reader) -> CftSend {
    let url = reader.text("cft.url");
    if !url.is_empty() && (!url.starts_with("https://") || url.ends_with('/')) {
        let detail = "expected https://host:port without a trailing slash";
        reader.wrong("cft.url", detail);
    }
    let resource = reader.optional_text("cft.resource");
    let resource = resource.unwrap_or_else(|| RESOURCE.to_owned());
    if !resource.starts_with('/') {
        reader.wrong(
            "cft.resource",
            "expected a path, such as /cft/api/v1/transfers",
        );
    }
    CftSend::Rest {
        url: url + &resource,
        login: login(reader),
        ca: reader.file("cft.ca"),
    }
}

fn login(reader: &mut Reader) -> CftLogin {
    let user = reader.optional_text("cft.user");
    let password = reader.optional_file("cft.password_file");
    let token = reader.optional_file("cft.token_file");
    match (user, password, token) {
        (Some(user), Some(password), None) => CftLogin::Password(user, password),
        (None, None, Some(token)) => CftLogin::Token(token),
        _ => {
            let detail = "give user and password_file, or token_file";
            reader.wrong("cft", detail);
            CftLogin::Token(PathBuf::new())
        }
    }
}
