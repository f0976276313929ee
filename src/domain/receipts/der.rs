//! Just enough DER to write a message and to find the signing time of one that OpenSSL has verified.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

pub const OCTETS: u8 = 0x04;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, constructed.
pub const CONTEXT_0: u8 = 0xa0;
const OBJECT: u8 = 0x06;
/// 1.2.840.113549.1.9.5, signingTime.
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];

/// One element: its tag, the length of its contents, and these.
pub fn tlv(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    write_length(&mut out, length);
    for part in contents {
        out.extend_from_slice(part);
    }
    out
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    let digits = length.to_be_bytes();
    let skipped = length.leading_zeros() as usize / 8;
    let digits = &digits[skipped..];
    if length > 0x7f {
        // At most eight digits, so this fits into the seven bits of the first byte.
        out.push(0x80 | digits.len() as u8);
    }
    match digits {
        [] => out.push(0),
        digits => out.extend_from_slice(digits),
    }
}

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

/// The elements of one level, as tag and contents. Ends at the first that is not whole.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn find(mut self, wanted: u8) -> Option<&'a [u8]> {
        Iterator::find(&mut self, |(tag, _)| *tag == wanted).map(|(_, contents)| contents)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (length, rest) = read_length(rest)?;
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, contents))
    }
}

fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((first.into(), rest)),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let add = |sum, digit: &u8| sum << 8 | usize::from(*digit);
            Some((digits.iter().fold(0, add), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_of_any_length_reads_back() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let contents = vec![7; length];
            let written = tlv(OCTETS, &[&contents]);
            let read: Vec<_> = Reader(&written).collect();
            assert_eq!(read, [(OCTETS, &contents[..])], "{length}");
            assert_eq!(Reader(&written[..written.len() - 1]).count(), 0);
        }
        assert_eq!(tlv(OCTETS, &[&[0; 128]])[..3], [OCTETS, 0x81, 0x80]);
    }
}
