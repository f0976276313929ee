//! How stored content is answered (RFC 9110, RFC 9530): whole, in part, or not again. Pure functions over what is stored
//! and what is asked; the handler only moves the bytes.
//!
//! The way through: [`plan`] decides, [`head`] writes status and headers, the handler reads `Plan::bytes`. An
//! unsatisfiable range is an answer of its own ([`unsatisfiable`]).
//!
//! Several ranges in one request are answered with the whole content, as the RFC allows.

use std::ops::Range;

use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
    },
};

use crate::kernel::{
    digest::{Sha256, hex},
    fault::{Code, Fault},
};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// What is stored.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: &'a Sha256,
    /// The name that its sender gave it: hostile until proven otherwise.
    pub file_name: &'a str,
    /// Its media type; one that is no header value becomes `application/octet-stream`.
    pub media_type: &'a str,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// All of it: 200.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Nothing, the caller has it: 304.
    NotModified,
    /// A range that lies outside: 416.
    Unsatisfiable,
}

impl Plan {
    /// The bytes to read; none for answers without content.
    pub fn bytes(&self, size: u64) -> Range<u64> {
        match self {
            Self::Whole => 0..size,
            Self::Part(range) => range.clone(),
            Self::NotModified | Self::Unsatisfiable => 0..0,
        }
    }
}

/// Decides what a request for `stored` gets.
pub fn plan(stored: &Stored<'_>, asked: &HeaderMap) -> Plan {
    let tag = tag(stored);
    if asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|value| names(value, &tag))
    {
        return Plan::NotModified;
    }
    let is_current = asked
        .get(IF_RANGE)
        .is_none_or(|value| value.as_bytes() == tag.as_bytes());
    let range = asked.get(RANGE).filter(|_| is_current);
    match range.and_then(|value| value.to_str().ok()) {
        Some(text) => read_range(text, stored.size),
        None => Plan::Whole,
    }
}

/// Status and headers of a plan that is not [`Plan::Unsatisfiable`].
pub fn head(stored: &Stored<'_>, plan: &Plan) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    put(&mut headers, ETAG, &tag(stored));
    put(
        &mut headers,
        REPR_DIGEST,
        &format!("sha-256=:{}:", BASE64.encode(stored.sha256)),
    );
    put(&mut headers, ACCEPT_RANGES, "bytes");
    put(&mut headers, CACHE_CONTROL, "private, no-cache");
    if *plan == Plan::NotModified {
        return (StatusCode::NOT_MODIFIED, headers);
    }
    describe(&mut headers, stored);
    let bytes = plan.bytes(stored.size);
    put(
        &mut headers,
        CONTENT_LENGTH,
        &(bytes.end - bytes.start).to_string(),
    );
    match plan {
        Plan::Part(part) => {
            let last = part.end.saturating_sub(1);
            put(
                &mut headers,
                CONTENT_RANGE,
                &format!("bytes {}-{last}/{}", part.start, stored.size),
            );
            (StatusCode::PARTIAL_CONTENT, headers)
        }
        _ => (StatusCode::OK, headers),
    }
}

/// The answer to [`Plan::Unsatisfiable`]: a problem that tells the size.
pub fn unsatisfiable(size: u64) -> Response {
    let detail = format!("La plage demandée sort du contenu, qui a {size} octets.");
    let mut response = Fault::new(Code::RangeNotSatisfiable, detail).into_response();
    put(
        response.headers_mut(),
        CONTENT_RANGE,
        &format!("bytes */{size}"),
    );
    response
}

/// The value of `Content-Disposition` (RFC 6266): the name for old readers in plain ASCII, the true one as RFC 8187 says.
pub fn disposition(file_name: &str) -> String {
    let plain: String = file_name.chars().map(plain).collect();
    let encoded: String = file_name.bytes().map(encoded).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

fn describe(headers: &mut HeaderMap, stored: &Stored<'_>) {
    let kind = HeaderValue::from_str(stored.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, kind);
    put(headers, CONTENT_DISPOSITION, &disposition(stored.file_name));
    put(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
}

fn tag(stored: &Stored<'_>) -> String {
    format!("\"{}\"", hex(stored.sha256))
}

/// Weak comparison, as `If-None-Match` wants it.
fn names(value: &HeaderValue, tag: &str) -> bool {
    let text = value.to_str().unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// One range of bytes; what cannot be read, or is several, is ignored.
fn read_range(text: &str, size: u64) -> Plan {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|spec| spec.split_once('-'))
    else {
        return Plan::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Plan::Whole,
        (Some(first), Some(last)) => within(first, last.saturating_add(1), size),
        (Some(first), None) if last.trim().is_empty() => within(first, size, size),
        (None, Some(count)) if first.trim().is_empty() => suffix(count, size),
        _ => Plan::Whole,
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = text.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are past the end of anything.
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn within(first: u64, end: u64, size: u64) -> Plan {
    match first < size {
        true => Plan::Part(first..end.min(size)),
        false => Plan::Unsatisfiable,
    }
}

fn suffix(count: u64, size: u64) -> Plan {
    match count == 0 || size == 0 {
        true => Plan::Unsatisfiable,
        false => Plan::Part(size.saturating_sub(count)..size),
    }
}

/// A character that no reader of a quoted string trips over.
fn plain(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | '-' | '_' | '(' | ')' => character,
        _ => '_',
    }
}

/// RFC 8187's `attr-char`, or `%XX`.
fn encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Digits, digests and encoded names: always header values.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
