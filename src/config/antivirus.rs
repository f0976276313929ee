//! The antivirus: where clamd listens, and what it is asked of.

use std::{path::PathBuf, time::Duration};

use super::reader::Reader;

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClamdAddress {
    /// A host and port, within the machine or a trusted network: clamd speaks in clear.
    Tcp(String),
    /// A socket of the machine.
    Unix(PathBuf),
}

/// The antivirus.
#[derive(Clone, Debug)]
pub struct Antivirus {
    /// Where it listens.
    pub address: ClamdAddress,
    /// How long one scan may take in all; what takes longer waits and is tried again.
    pub timeout: Duration,
    /// The largest content that clamd is set up to look at whole; no larger one is ever sent, nor passed on.
    pub max_bytes: u64,
    /// How many scans run at once in one process.
    pub at_once: usize,
}

impl Antivirus {
    /// Reads the section; `None` without an address. `largest` is the largest request that the gateway takes.
    pub(super) fn read(reader: &mut Reader, largest: u64) -> Option<Self> {
        let address = reader.optional_text("antivirus.address");
        let timeout = reader.seconds("antivirus.timeout_seconds", 60, 600);
        let max_bytes = reader.number("antivirus.max_bytes", 100_000_000, 1, 4_000_000_000);
        let at_once = reader.number("antivirus.at_once", 8, 1, 256) as usize;
        let address = address?;
        if max_bytes < largest {
            reader.wrong(
                "antivirus.max_bytes",
                "must be at least what a request may have: larger contents would wait for ever",
            );
        }
        Some(Self {
            address: self::address(reader, &address),
            timeout,
            max_bytes,
            at_once,
        })
    }
}

fn address(reader: &mut Reader, text: &str) -> ClamdAddress {
    match text.split_once(':') {
        Some(("unix", path)) if path.starts_with('/') => ClamdAddress::Unix(path.into()),
        Some(("tcp", host)) if is_host_and_port(host) => ClamdAddress::Tcp(host.to_owned()),
        _ => {
            reader.wrong(
                "antivirus.address",
                "expected tcp:host:port, or unix:/path/of/a/socket",
            );
            ClamdAddress::Tcp(String::new())
        }
    }
}

fn is_host_and_port(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// Whether a project's contents must be found clean: `required`, or `off`.
pub(super) fn required(reader: &mut Reader) -> bool {
    match reader.optional_text("antivirus").as_deref() {
        Some("required") => true,
        None | Some("off") => false,
        Some(_) => {
            reader.wrong("antivirus", "expected \"required\" or \"off\"");
            false
        }
    }
}
