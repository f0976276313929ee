//! The marker segments of a JPEG file: where its resolution stands, and whether its end is there.

/// One marker segment before the first scan's data.
pub(super) struct Segment<'a> {
    /// The marker's second byte, such as `0xE0` for APP0.
    pub marker: u8,
    /// The segment's content, without its length.
    pub body: &'a [u8],
    /// Where the next one starts in the file.
    end: usize,
}

const MARK: u8 = 0xFF;
const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;

/// The segments up to the header of the first scan, that one included. A malformed file ends early.
pub(super) fn segments(bytes: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut at = Some(2);
    std::iter::from_fn(move || {
        let segment = segment(bytes, at?)?;
        at = (segment.marker != START_OF_SCAN).then_some(segment.end);
        Some(segment)
    })
}

/// Whether the end mark follows the first scan. In a scan's data it cannot occur by chance: there, `FF` goes with `00`.
/// The decoder is lenient and fills what is missing with grey.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    let scan = segments(bytes).find(|segment| segment.marker == START_OF_SCAN);
    let data = scan.and_then(|scan| bytes.get(scan.end..));
    data.is_some_and(|data| data.windows(2).any(|pair| pair == [MARK, END_OF_IMAGE]))
}

fn segment(bytes: &[u8], at: usize) -> Option<Segment<'_>> {
    let marks = bytes.get(at..)?.iter().take_while(|byte| **byte == MARK);
    // A marker may be preceded by any number of fill bytes, which look like its first byte.
    let at = at + marks.count().checked_sub(1)?;
    let marker = *bytes.get(at + 1)?;
    let length = u16::from_be_bytes(*bytes.get(at + 2..)?.first_chunk()?);
    let end = at + 2 + usize::from(length);
    Some(Segment {
        marker,
        body: bytes.get(at + 4..end)?,
        end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &[u8] = b"\xFF\xD8\xFF\xFF\xE0\0\x04ab\xFF\xDA\0\x02data\xFF\0\xFF\xD9";

    #[test]
    fn segments_are_read_up_to_the_scan_and_the_end_is_sought_behind_it() {
        let found: Vec<_> = segments(SMALL)
            .map(|s| (s.marker, s.body.to_vec()))
            .collect();
        assert_eq!(found, [(0xE0, b"ab".to_vec()), (START_OF_SCAN, Vec::new())]);
        assert!(has_end(SMALL));
    }

    #[test]
    fn every_cut_file_lacks_its_end() {
        for end in 0..SMALL.len() {
            assert!(!has_end(&SMALL[..end]));
        }
    }
}
