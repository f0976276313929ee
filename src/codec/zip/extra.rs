//! The extra fields of a header: the long sizes of zip64, the name in UTF-8.

use flate2::Crc;

use super::{u16_at, u32_at, u64_at};

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;

/// What the extra fields say that counts.
#[derive(Default)]
pub(super) struct Extra<'a> {
    pub zip64: Option<&'a [u8]>,
    /// The name in UTF-8, of the name in the header and of no other.
    pub name: Option<&'a [u8]>,
}

/// Reads extra fields; none where they do not fit into each other, or where one that counts stands twice.
pub(super) fn read<'a>(mut bytes: &'a [u8], name: &[u8]) -> Option<Extra<'a>> {
    let mut extra = Extra::default();
    while bytes.len() >= 4 {
        let (kind, length) = (u16_at(bytes, 0), usize::from(u16_at(bytes, 2)));
        let field = bytes.get(4..4 + length)?;
        let slot = match kind {
            ZIP64 => Some(&mut extra.zip64),
            UNICODE_PATH => Some(&mut extra.name),
            _ => None,
        };
        if let Some(slot) = slot
            && slot.replace(field).is_some()
        {
            return None;
        }
        bytes = &bytes[4 + length..];
    }
    // Aligners leave up to three zeros.
    if bytes.iter().any(|byte| *byte != 0) {
        return None;
    }
    extra.name = extra.name.and_then(|field| of_this_name(field, name));
    Some(extra)
}

fn of_this_name<'a>(field: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut crc = Crc::new();
    crc.update(name);
    let is_of = field.len() > 5 && field[0] == 1 && u32_at(field, 1) == crc.sum();
    is_of.then(|| &field[5..])
}

/// The long values that stand for those that are all ones, in their order; none where one is missing.
pub(super) fn long(zip64: Option<&[u8]>, values: [u64; 3]) -> Option<[u64; 3]> {
    let mut field = zip64.unwrap_or_default();
    let mut out = values;
    for value in out
        .iter_mut()
        .filter(|value| **value == u64::from(u32::MAX))
    {
        if field.len() < 8 {
            return None;
        }
        *value = u64_at(field, 0);
        field = &field[8..];
    }
    Some(out)
}
