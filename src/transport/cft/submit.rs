//! The request to send a file: what is asked, by whichever way.

use std::{fmt, path::Path, time::Duration};

use super::{cftutil, rest};
use crate::{
    config::depots::CftSend,
    kernel::fault::{Code, Fault, Result},
};

/// What the monitor is asked to send.
pub(super) struct Request<'a> {
    /// To whom.
    pub(super) part: &'a str,
    /// By which model.
    pub(super) idf: &'a str,
    /// What: it stays there until the monitor says that it was sent.
    pub(super) file: &'a Path,
    /// The word that the partner reads beside it: its name.
    pub(super) parm: &'a str,
    /// Our id of it.
    pub(super) ida: &'a str,
}

/// Asks.
pub(super) struct Submitter {
    send: CftSend,
    patience: Duration,
}

impl Submitter {
    pub(super) fn new(send: &CftSend, patience: Duration) -> Self {
        Self {
            send: send.clone(),
            patience,
        }
    }

    /// Has a file sent; answers the monitor's id of the transfer, where it tells it.
    ///
    /// Fails with `depot-unreachable` where the monitor does not answer, `depot-refused` where it refuses.
    pub(super) fn submit(&self, request: &Request<'_>) -> Result<Option<String>> {
        let path = request.file.to_str().filter(|path| is_plain(path));
        let Some(path) = path else {
            let detail =
                "Le dossier de travail CFT porte un nom que ses commandes ne peuvent lire.";
            return Err(Fault::new(Code::DepotRefused, detail));
        };
        match &self.send {
            CftSend::Cftutil {
                command,
                environment,
            } => cftutil::submit(command, environment, request, path, self.patience),
            CftSend::Rest { url, login, ca } => {
                rest::submit(url, login, ca, request, path, self.patience)
            }
        }
    }
}

impl fmt::Display for Submitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.send {
            CftSend::Cftutil { command, .. } => write!(f, "{}", command.display()),
            CftSend::Rest { url, .. } => f.write_str(url),
        }
    }
}

/// Whether a path holds nothing that a command of the monitor would read as its own.
fn is_plain(path: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte);
    path.bytes().all(fits)
}

/// The fault of a monitor that refuses: its code, never its text, which names files.
pub(super) fn refused(cause: impl fmt::Display) -> Fault {
    Fault::new(Code::DepotRefused, "CFT refuse la demande d'envoi.").because(cause)
}

/// The fault of a monitor that does not answer.
pub(super) fn away(cause: impl fmt::Display) -> Fault {
    Fault::new(Code::DepotUnreachable, "CFT ne répond pas.").because(cause)
}
