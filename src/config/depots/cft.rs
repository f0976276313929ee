//! Axway's Transfer CFT on this machine: where it hands files over, and how it is asked to send some.

use std::path::PathBuf;

use super::super::reader::Reader;

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
    },
    /// By its REST API.
    Rest {
        /// Its address, `https://host:port`.
        url: String,
        /// Our name there.
        user: String,
        /// The file of our password.
        password_file: PathBuf,
        /// The authorities that its certificate must come from, PEM.
        ca: PathBuf,
    },
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
    CftSend::Cftutil {
        command: command.unwrap_or_else(|| "CFTUTIL".to_owned()).into(),
    }
}

fn rest(reader: &mut Reader) -> CftSend {
    let url = reader.text("cft.url");
    if !url.is_empty() && (!url.starts_with("https://") || url.ends_with('/')) {
        let detail = "expected https://host:port without a trailing slash";
        reader.wrong("cft.url", detail);
    }
    CftSend::Rest {
        url,
        user: reader.text("cft.user"),
        password_file: reader.file("cft.password_file"),
        ca: reader.file("cft.ca"),
    }
}
