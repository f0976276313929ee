//! What went wrong on an SSH connection, in the house's words.

use std::time::Duration;

use ssh2::ErrorCode;

use crate::{
    kernel::fault::{Code, Fault},
    transport::{net, pace},
};

/// A request that failed.
#[derive(Debug)]
pub enum Tried {
    /// The library, or the server, says no.
    Refused(ssh2::Error),
    /// Nothing came for so long.
    Silent(Duration),
    /// The system cannot wait on the connection any more.
    Lost(String),
}

// Of libssh2.h: the connection is of no more use after these.
const UNKNOWN: i32 = i32::MIN;
const BANNER_RECV: i32 = -2;
const BANNER_SEND: i32 = -3;
const INVALID_MAC: i32 = -4;
const KEX_FAILURE: i32 = -5;
const SOCKET_SEND: i32 = -7;
const KEY_EXCHANGE_FAILURE: i32 = -8;
const TIMEOUT: i32 = -9;
const DECRYPT: i32 = -12;
const SOCKET_DISCONNECT: i32 = -13;
const PROTO: i32 = -14;
const FILE: i32 = -16;
const METHOD_NONE: i32 = -17;
const AUTHENTICATION_FAILED: i32 = -18;
const PUBLICKEY_UNVERIFIED: i32 = -19;
const CHANNEL_FAILURE: i32 = -21;
const CHANNEL_CLOSED: i32 = -26;
const CHANNEL_EOF_SENT: i32 = -27;
const SOCKET_TIMEOUT: i32 = -30;
const SFTP_PROTOCOL: i32 = -31;
const SOCKET_RECV: i32 = -43;
const BAD_SOCKET: i32 = -45;
const CUTS: &[i32] = &[
    UNKNOWN,
    BANNER_RECV,
    BANNER_SEND,
    INVALID_MAC,
    KEX_FAILURE,
    SOCKET_SEND,
    KEY_EXCHANGE_FAILURE,
    TIMEOUT,
    DECRYPT,
    SOCKET_DISCONNECT,
    PROTO,
    CHANNEL_CLOSED,
    CHANNEL_EOF_SENT,
    SOCKET_TIMEOUT,
    SFTP_PROTOCOL,
    SOCKET_RECV,
    BAD_SOCKET,
];

// Of the protocol: what a server may answer. "Ok" behind a failure is one that the library found in an answer.
const OK: i32 = 0;
const NO_SUCH_FILE: i32 = 2;
const PERMISSION_DENIED: i32 = 3;
const NO_CONNECTION: i32 = 6;
const CONNECTION_LOST: i32 = 7;
const NO_SUCH_PATH: i32 = 10;
const FILE_ALREADY_EXISTS: i32 = 11;
const WRITE_PROTECT: i32 = 12;
const NO_SPACE: i32 = 14;
const QUOTA_EXCEEDED: i32 = 15;
/// The last of them that the library has a text for.
pub const LAST_ANSWER: i32 = 21;
/// Not an error: there is nothing to read, or no room to write.
pub const EAGAIN: i32 = -37;

/// The end of a folder, as the library tells it.
pub fn is_end(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(FILE)
}

impl Tried {
    /// Whether the connection is of no more use.
    pub fn is_cut(&self) -> bool {
        match self {
            Self::Silent(_) | Self::Lost(_) => true,
            Self::Refused(error) => match error.code() {
                ErrorCode::Session(code) => CUTS.contains(&code),
                ErrorCode::SFTP(code) => matches!(code, OK | NO_CONNECTION | CONNECTION_LOST),
            },
        }
    }

    /// Whether there is no file of this name.
    pub fn is_missing(&self) -> bool {
        let Self::Refused(error) = self else {
            return false;
        };
        matches!(error.code(), ErrorCode::SFTP(NO_SUCH_FILE | NO_SUCH_PATH))
    }

    /// Whether the two ends could not agree on algorithms, or the line was cut in that very moment: the library does not say.
    pub fn is_disagreement(&self) -> bool {
        let Self::Refused(error) = self else {
            return false;
        };
        let codes = [KEX_FAILURE, METHOD_NONE];
        matches!(error.code(), ErrorCode::Session(code) if codes.contains(&code))
    }

    /// Whether the server says no to us or to a channel, or the line was cut while we waited for its word: the library has one
    /// code for both.
    pub fn may_be_a_cut(&self) -> bool {
        let Self::Refused(error) = self else {
            return false;
        };
        match error.code() {
            ErrorCode::Session(CHANNEL_FAILURE) => true,
            ErrorCode::Session(AUTHENTICATION_FAILED | PUBLICKEY_UNVERIFIED) => {
                error.message().starts_with("Waiting for")
            }
            _ => false,
        }
    }

    /// The fault, at the step `what`.
    pub fn fault(self, what: &str) -> Fault {
        let cause = self.cause(what);
        match &self {
            Self::Silent(_) => net::unreachable(cause),
            Self::Refused(error) if !self.is_cut() => {
                let (code, detail) = refusal(error);
                Fault::new(code, detail).because(cause)
            }
            Self::Refused(_) | Self::Lost(_) => pace::cut(cause),
        }
    }

    /// What is logged.
    pub fn cause(&self, what: &str) -> String {
        match self {
            Self::Refused(error) => format!("{what}: {error}"),
            Self::Silent(timeout) => format!("{what}: silent for {} s", timeout.as_secs()),
            Self::Lost(cause) => format!("{what}: {cause}"),
        }
    }
}

fn refusal(error: &ssh2::Error) -> (Code, &'static str) {
    match error.code() {
        ErrorCode::SFTP(NO_SUCH_FILE | NO_SUCH_PATH) => (
            Code::DepotFileMissing,
            "Ce chemin n'existe pas sur le dépôt.",
        ),
        ErrorCode::SFTP(PERMISSION_DENIED | WRITE_PROTECT) => {
            (Code::DepotDenied, "Le dépôt ne permet pas cette opération.")
        }
        ErrorCode::SFTP(FILE_ALREADY_EXISTS) => (
            Code::DepotFileExists,
            "Un autre fichier porte déjà ce nom sur le dépôt.",
        ),
        ErrorCode::SFTP(NO_SPACE | QUOTA_EXCEEDED) => {
            (Code::DepotFull, "Plus de place sur le dépôt.")
        }
        _ => (Code::DepotRefused, "Le dépôt refuse l'opération."),
    }
}
