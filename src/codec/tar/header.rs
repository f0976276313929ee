//! One block of a tar that speaks of an entry.

use std::ops::Range;

use super::BLOCK;

/// A header whose checksum is right.
pub(super) struct Header<'b>(&'b [u8; BLOCK]);

/// Where its checksum stands.
const CHECKSUM: Range<usize> = 148..156;
/// Where magic and version stand.
const MAGIC: Range<usize> = 257..265;

impl<'b> Header<'b> {
    /// Takes a block for a header, if its checksum and its magic are those of one.
    pub fn read(block: &'b [u8; BLOCK]) -> Option<Self> {
        let told = number(&block[CHECKSUM])?;
        let byte = |at: usize| match CHECKSUM.contains(&at) {
            true => b' ',
            false => block[at],
        };
        let sum: u64 = (0..BLOCK).map(|at| u64::from(byte(at))).sum();
        // POSIX, GNU, or none at all as in the days before both; nothing between, which some take for one and some not.
        let known = matches!(
            &block[MAGIC],
            b"ustar\x0000" | b"ustar  \0" | b"\0\0\0\0\0\0\0\0"
        );
        (told == sum && known).then_some(Self(block))
    }

    /// Whether it is of the days before POSIX and GNU: then it speaks of files, folders and links only.
    pub fn is_old(&self) -> bool {
        self.0[MAGIC.start] == 0
    }

    /// The letter of its kind.
    pub fn kind(&self) -> u8 {
        self.0[156]
    }

    /// The mode of Unix.
    pub fn mode(&self) -> u64 {
        number(&self.0[100..108]).unwrap_or(0)
    }

    /// The size of what follows; none where it is no number, or a negative one.
    pub fn size(&self) -> Option<u64> {
        number(&self.0[124..136])
    }

    /// The name's bytes, with the prefix of POSIX before it. GNU has other things at that place.
    pub fn name(&self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        let prefix = match &self.0[MAGIC] {
            b"ustar\x0000" => text(&self.0[345..500]),
            _ => &[],
        };
        match prefix.is_empty() {
            true => name.to_vec(),
            false => [prefix, b"/", name].concat(),
        }
    }
}

/// The bytes before the first zero.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number in octal digits, or in base 256 where GNU writes one that is too long for them.
fn number(field: &[u8]) -> Option<u64> {
    match field.first()? {
        0x80 => {
            let (high, low) = field[1..].split_at(field.len().saturating_sub(9));
            let low = low.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            high.iter().all(|byte| *byte == 0).then_some(low)
        }
        0x81.. => None,
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let end = |byte: &u8| matches!(byte, 0 | b' ');
    let start = field.iter().position(|byte| *byte != b' ')?;
    let digits = &field[start..];
    let digits = &digits[..digits.iter().position(end).unwrap_or(digits.len())];
    let rest = &field[start + digits.len()..];
    if !rest.iter().all(end) {
        return None;
    }
    let digit = |sum: u64, byte: &u8| match byte {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    };
    digits.iter().try_fold(0, digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256_and_nothing_else() {
        let cases: [(&[u8], Option<u64>); 10] = [
            (b"00000001750\0", Some(1000)),
            (b"      1750 \0", Some(1000)),
            (b"1750\0\0\0\0\0\0\0\0", Some(1000)),
            (b"777777777777", Some(0o777777777777)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(0x2_0000_0000)),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"0000000175x\0", None),
            (b"1750\x001750\0\0\0", None),
            (b"-0000001750\0", None),
        ];
        for (field, expected) in cases {
            assert_eq!(number(field), expected, "{field:?}");
        }
    }
}
