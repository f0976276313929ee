//! Just enough DER to find the signing time of a message that OpenSSL has already verified: its binding does not show it.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, constructed: the content's wrapping, and the signed attributes.
const CONTEXT_0: u8 = 0xa0;
/// 1.2.840.113549.1.9.5, signingTime.
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];

/// The first signer's signing time; `None` where there is none, or in an encoding other than DER.
pub fn signing_time(message: &[u8]) -> Option<Timestamp> {
    let content_info = Reader(message).find(SEQUENCE)?;
    let wrapped = Reader(content_info).find(CONTEXT_0)?;
    let signed_data = Reader(wrapped).find(SEQUENCE)?;
    // The digest algorithms are a set too, but they come first: the signers are the last.
    let signers = Reader(signed_data).filter(|(tag, _)| *tag == SET).last()?.1;
    let signer = Reader(signers).find(SEQUENCE)?;
    let attributes = Reader(signer).find(CONTEXT_0)?;
    Reader(attributes).find_map(|(_, attribute)| time_in(attribute))
}

fn time_in(attribute: &[u8]) -> Option<Timestamp> {
    let mut reader = Reader(attribute);
    if reader.next()? != (OBJECT, SIGNING_TIME) {
        return None;
    }
    let (_, values) = reader.next()?;
    let (tag, text) = Reader(values).next()?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    match tag {
        // Two digits of the year stand for 1950 to 2049 (RFC 5280).
        UTC_TIME if text < "50" => civil(&format!("20{text}")),
        UTC_TIME => civil(&format!("19{text}")),
        GENERALIZED_TIME => civil(text),
        _ => None,
    }
}

fn civil(text: &str) -> Option<Timestamp> {
    let date = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    date.to_zoned(TimeZone::UTC)
        .ok()
        .map(|date| date.timestamp())
}

/// The elements of one level, as tag and contents.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn find(mut self, wanted: u8) -> Option<&'a [u8]> {
        Iterator::find(&mut self, |(tag, _)| *tag == wanted).map(|(_, contents)| contents)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, contents))
    }
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((first.into(), rest)),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            Some((length, rest))
        }
        _ => None,
    }
}
