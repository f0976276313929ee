//! What a partner's answer is worth: an acknowledgment, or a reason to try again.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::kernel::{clock::Clock, digest::Sha256};

/// What may stand before a text of UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// The members of an answer that say something to us.
const RETURN_ID: &str = "returnId";
const ACKNOWLEDGMENT_ID: &str = "acknowledgmentId";

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
    /// The pause that the partner asks for.
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

/// What the answer says in JSON, a byte order mark before it or not. Of one that is too long to be kept whole it is what its
/// beginning names; of one that is no JSON, nothing.
fn said(answer: &Answer) -> Value {
    let text = answer.body.strip_prefix(BOM).unwrap_or(&answer.body);
    if !answer.truncated {
        return serde_json::from_slice(text).unwrap_or(Value::Null);
    }
    let mut beginning = Map::new();
    let mut reader = serde_json::Deserializer::from_slice(text);
    // It fails where the text is cut: what was read until there counts.
    let _ = reader.deserialize_map(Beginning(&mut beginning));
    Value::Object(beginning)
}

/// The beginning of an object: the members that say something to us, as far as they come.
struct Beginning<'a>(&'a mut Map<String, Value>);

impl<'de> Visitor<'de> for Beginning<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            match &*name {
                RETURN_ID | ACKNOWLEDGMENT_ID => {
                    let value = members.next_value()?;
                    self.0.insert(name, value);
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn names_another(said: &Value, return_id: Uuid) -> bool {
    match &said[RETURN_ID] {
        Value::Null => false,
        Value::String(text) => text.parse() != Ok(return_id),
        _ => true,
    }
}

fn acknowledgment_id(said: &Value) -> Option<String> {
    let id = said[ACKNOWLEDGMENT_ID].as_str()?;
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
        // So many digits that they do not fit: for ever is meant.
        true => text.parse().unwrap_or(i64::MAX),
        false => date(text)?.as_second() - now.as_second(),
    };
    Some(Duration::from_secs(seconds.max(0).unsigned_abs()))
}

fn date(text: &str) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_seconds_or_a_date_however_far() {
        let now: Timestamp = "1994-11-06T08:48:37Z".parse().unwrap();
        let seconds = |text| pause(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(seconds("99999999999999999999999"), Some(i64::MAX as u64));
        assert_eq!(
            seconds("Sat, 06 Nov 2094 08:49:37 GMT"),
            Some(3_155_760_060)
        );
        for text in ["", "soon", "-1", "1.5"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
