//! From a server's reply, or its silence, to a fault. Replies may hold file names: only their codes reach a log.

use suppaftp::{FtpError, types::Response};

use super::super::pace;
use crate::kernel::fault::{Code, Fault};

/// The code of a reply, those that RFC 959 does not know included; 0 where it has none.
pub(super) fn code(reply: &Response) -> u16 {
    let digits = reply
        .body
        .get(..3)
        .and_then(|code| str::from_utf8(code).ok());
    digits.and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// The fault of a verb. After any but `transfer-cut` the session goes on.
pub(super) fn fault(error: &FtpError) -> Fault {
    let FtpError::UnexpectedResponse(reply) = error else {
        return pace::cut(kind(error));
    };
    let code = code(reply);
    let (fault, detail) = match code {
        421 | 426 => return pace::cut(format!("reply {code}")),
        425 | 522 => (Code::DepotRefused, SESSION),
        452 | 552 => (Code::DepotFull, FULL),
        _ if says(reply, "no space left") || says(reply, "writing to local file") => {
            (Code::DepotFull, FULL)
        }
        550 if says(reply, "no such file") || says(reply, "not found") => return missing(),
        550 if says(reply, "exists") => (
            Code::DepotFileExists,
            "Un autre fichier porte déjà ce nom sur le dépôt.",
        ),
        530 | 532 | 550 | 553 => (Code::DepotDenied, "Le dépôt ne permet pas cette opération."),
        _ => (Code::DepotRefused, "Le dépôt refuse l'opération."),
    };
    Fault::new(fault, detail).because(format!("reply {code}"))
}

/// The fault of a path that is not there.
pub(super) fn missing() -> Fault {
    let detail = "Ce chemin n'existe pas sur le dépôt.";
    Fault::new(Code::DepotFileMissing, detail)
}

const FULL: &str = "Plus de place sur le dépôt.";

/// 425 and 522 tell nothing else in practice: address and port were ours to reach.
const SESSION: &str = "Le serveur refuse la connexion de données. S'il exige la reprise de la session TLS, mettez \
    tls_ceiling = \"1.2\" dans les paramètres du dépôt ; sinon, voyez ses ports passifs.";

/// The fault of a connection that never stood.
pub(super) fn unreachable(error: &FtpError) -> Fault {
    let cause = match error {
        FtpError::UnexpectedResponse(reply) => format!("reply {}", code(reply)),
        other => kind(other),
    };
    let detail = "Le serveur FTPS ne répond pas.";
    Fault::new(Code::DepotUnreachable, detail).because(cause)
}

/// What broke, without what a server said.
fn kind(error: &FtpError) -> String {
    match error {
        FtpError::ConnectionError(error) => error.to_string(),
        FtpError::SecureError(error) => error.clone(),
        FtpError::UnexpectedResponse(reply) => format!("reply {}", code(reply)),
        FtpError::BadResponse => "not a reply of FTP".to_owned(),
        FtpError::InvalidAddress(_) => "not an address".to_owned(),
        FtpError::DataConnectionAlreadyOpen => "a transfer is in progress".to_owned(),
    }
}

/// Whether a reply's text holds these words, for codes that stand for several things.
fn says(reply: &Response, words: &str) -> bool {
    let text = String::from_utf8_lossy(&reply.body).to_lowercase();
    text.contains(words)
}

#[cfg(test)]
mod tests {
    use suppaftp::Status;

    use super::*;

    fn of(text: &str) -> Code {
        let reply = Response::new(Status::Unknown, text.as_bytes().to_vec());
        fault(&FtpError::UnexpectedResponse(reply)).code()
    }

    #[test]
    fn replies_are_told_apart_by_their_codes_and_where_those_stand_for_several_things_by_their_words()
     {
        for (text, code) in [
            (
                "522 SSL connection failed: session reuse required",
                Code::DepotRefused,
            ),
            ("425 Unable to build data connection", Code::DepotRefused),
            ("426 Failure writing network stream.", Code::TransferCut),
            ("451 Failure writing to local file.", Code::DepotFull),
            ("452 x.zip: No space left on device", Code::DepotFull),
            (
                "552 x.zip: Transfer aborted. Disk quota exceeded",
                Code::DepotFull,
            ),
            (
                "550 x.zip: No such file or directory",
                Code::DepotFileMissing,
            ),
            ("550 Permission denied.", Code::DepotDenied),
            ("553 Could not create file.", Code::DepotDenied),
            ("502 What?", Code::DepotRefused),
        ] {
            assert_eq!(of(text), code, "{text}");
        }
    }

    #[test]
    fn no_text_of_a_server_reaches_a_log() {
        let reply = Response::new(Status::FileUnavailable, b"550 DUPONT-1980.zip: no".to_vec());
        let fault = fault(&FtpError::UnexpectedResponse(reply));
        assert!(!format!("{fault}").contains("DUPONT"));
    }
}
