//! What a partner's answer is worth: an acknowledgment, or a reason to try again.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::kernel::{clock::Clock, digest::Sha256};

/// The longest pause, in seconds, that a partner may ask for: a return must not be parked for ever.
const LONGEST_PAUSE: i64 = 24 * 3600;

/// The longest acknowledgment id, in characters, that is kept; one that holds control characters is not.
const LONGEST_ID: usize = 256;

/// An attempt whose request has left, or could not leave.
#[derive(Debug)]
pub struct Sent {
    pub(super) return_id: Uuid,
    pub(super) result: Result<Answer, Reason>,
}

/// A partner's answer, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields, 16 KiB of them at most; values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, 64 KiB of it at most.
    pub body: Vec<u8>,
    /// Whether the body was longer.
    pub truncated: bool,
    /// The fingerprint of the certificate that answered.
    pub peer_certificate_sha256: Option<Sha256>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The partner has the return.
    Acknowledged(Ack),
    /// He does not, or did not say so.
    Refused(Refusal),
}

/// The proof that the partner has the return (TRC-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// His own id of the reception, where he gave one of at most 256 characters, none of them a control character.
    pub acknowledgment_id: Option<String>,
    /// What he answered.
    pub answer: Answer,
}

/// Why there is no acknowledgment, and when to try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The pause that the partner asks for, 24 h at most.
    pub retry_after: Option<Duration>,
    /// Whether trying again is pointless: the partner says that the place is gone (410).
    pub permanent: bool,
    /// What he answered, where he did.
    pub answer: Option<Answer>,
}

/// Why an attempt is no delivery. The text form is stable and holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The host has only internal addresses and is not allowed by name.
    #[error("address-refused")]
    AddressRefused,
    /// No connection, or no TLS: name, port, certificate.
    #[error("connection-failed")]
    Connection(String),
    /// No complete answer in time.
    #[error("timeout")]
    Timeout,
    /// The connection ended within the exchange.
    #[error("cut")]
    Cut(String),
    /// A redirection, which is never followed.
    #[error("redirect")]
    Redirect(u16),
    /// Another status than 2xx.
    #[error("status-{0}")]
    Status(u16),
    /// The answer acknowledges another return.
    #[error("other-return")]
    OtherReturn,
}

impl Sent {
    /// Judges the answer. `clock` turns a `Retry-After` date into a pause.
    ///
    /// A 2xx is an acknowledgment whatever its body, save a JSON object that names another `returnId`.
    pub fn complete(self, clock: &Clock) -> Completed {
        let answer = match self.result {
            Ok(answer) => answer,
            Err(reason) => return refused(reason, None, clock),
        };
        let said = said(&answer);
        match judge(answer.status, &said, self.return_id) {
            Some(reason) => refused(reason, Some(answer), clock),
            None => Completed::Acknowledged(Ack {
                acknowledgment_id: acknowledgment_id(&said),
                answer,
            }),
        }
    }
}

fn judge(status: u16, said: &Value, return_id: Uuid) -> Option<Reason> {
    match status {
        200..=299 if names_another(said, return_id) => Some(Reason::OtherReturn),
        200..=299 => None,
        300..=399 => Some(Reason::Redirect(status)),
        _ => Some(Reason::Status(status)),
    }
}

fn said(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

fn names_another(said: &Value, return_id: Uuid) -> bool {
    match &said["returnId"] {
        Value::Null => false,
        Value::String(text) => text.parse() != Ok(return_id),
        _ => true,
    }
}

fn acknowledgment_id(said: &Value) -> Option<String> {
    let id = said["acknowledgmentId"].as_str()?;
    let fits = id.chars().count() <= LONGEST_ID && !id.chars().any(char::is_control);
    fits.then(|| id.to_owned())
}

fn refused(reason: Reason, answer: Option<Answer>, clock: &Clock) -> Completed {
    let asked = answer
        .as_ref()
        .and_then(|answer| answer.header("retry-after"));
    Completed::Refused(Refusal {
        permanent: reason == Reason::Status(410),
        retry_after: asked.and_then(|text| pause(text, clock.now())),
        reason,
        answer,
    })
}

impl Answer {
    /// The first header field of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        fields
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn pause(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let seconds = match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true if text.is_empty() => return None,
        // So many digits that they do not fit: the longest pause is meant.
        true => text.parse().unwrap_or(i64::MAX),
        false => date(text)?.as_second() - now.as_second(),
    };
    let seconds = seconds.clamp(0, LONGEST_PAUSE);
    Some(Duration::from_secs(seconds.unsigned_abs()))
}

fn date(text: &str) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_seconds_or_a_date_and_never_over_a_day() {
        let now: Timestamp = "1994-11-06T08:48:37Z".parse().unwrap();
        let seconds = |text| pause(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(seconds("99999999999999999999999"), Some(86_400));
        assert_eq!(seconds("Sat, 06 Nov 2094 08:49:37 GMT"), Some(86_400));
        for text in ["", "soon", "-1", "1.5"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
