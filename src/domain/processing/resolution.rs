//! The resolution that an image declares: `pHYs` in PNG, JFIF or EXIF in JPEG, the tags of the first page in TIFF.

use serde::{Deserialize, Serialize};

use super::jpeg;

/// Dots per inch, rounded, across and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dpi {
    pub x: u32,
    pub y: u32,
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xFF\xD8";
const INCHES_PER_METRE: f64 = 0.0254;
const CENTIMETRES_PER_INCH: f64 = 2.54;
const X_RESOLUTION: u16 = 282;
const Y_RESOLUTION: u16 = 283;
const RESOLUTION_UNIT: u16 = 296;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;

/// The declared resolution; `None` where the image keeps silent or gives only a ratio.
pub(super) fn of(bytes: &[u8]) -> Option<Dpi> {
    match bytes {
        _ if bytes.starts_with(PNG) => of_png(&bytes[PNG.len()..]),
        _ if bytes.starts_with(JPEG) => jfif(bytes).or_else(|| exif(bytes)),
        _ => of_tiff(bytes),
    }
}

fn of_png(mut chunks: &[u8]) -> Option<Dpi> {
    loop {
        let length = usize::try_from(u32::from_be_bytes(*chunks.first_chunk()?)).ok()?;
        let kind = chunks.get(4..8)?;
        let body = chunks.get(8..)?.get(..length)?;
        match kind {
            b"pHYs" => return physical(body),
            b"IDAT" => return None,
            _ => chunks = chunks.get(length.checked_add(12)?..)?,
        }
    }
}

fn physical(body: &[u8]) -> Option<Dpi> {
    let x = u32::from_be_bytes(*body.first_chunk()?);
    let y = u32::from_be_bytes(*body.get(4..)?.first_chunk()?);
    let per_metre = *body.get(8)? == 1;
    per_metre.then(|| dpi(x.into(), y.into(), INCHES_PER_METRE))?
}

fn jfif(bytes: &[u8]) -> Option<Dpi> {
    let body = segments_of(bytes, APP0, b"JFIF\0")?;
    let x = u16::from_be_bytes(*body.get(3..)?.first_chunk()?);
    let y = u16::from_be_bytes(*body.get(5..)?.first_chunk()?);
    match body.get(2)? {
        1 => dpi(x.into(), y.into(), 1.0),
        2 => dpi(x.into(), y.into(), CENTIMETRES_PER_INCH),
        _ => None,
    }
}

fn exif(bytes: &[u8]) -> Option<Dpi> {
    of_tiff(segments_of(bytes, APP1, b"Exif\0\0")?)
}

fn segments_of<'a>(bytes: &'a [u8], marker: u8, name: &[u8]) -> Option<&'a [u8]> {
    let mut segments = jpeg::segments(bytes).filter(|segment| segment.marker == marker);
    segments.find_map(|segment| segment.body.strip_prefix(name))
}

fn of_tiff(bytes: &[u8]) -> Option<Dpi> {
    let tags = Tags::of(bytes)?;
    let (x, y) = (tags.ratio(X_RESOLUTION)?, tags.ratio(Y_RESOLUTION)?);
    match tags.short(RESOLUTION_UNIT).unwrap_or(2) {
        2 => dpi(x, y, 1.0),
        3 => dpi(x, y, CENTIMETRES_PER_INCH),
        _ => None,
    }
}

fn dpi(x: f64, y: f64, per_inch: f64) -> Option<Dpi> {
    let whole = |value: f64| {
        let rounded = (value * per_inch).round();
        (rounded >= 1.0 && rounded <= f64::from(u32::MAX)).then_some(rounded as u32)
    };
    Some(Dpi {
        x: whole(x)?,
        y: whole(y)?,
    })
}

/// The first directory of a TIFF file, or of the EXIF block that has its form.
struct Tags<'a> {
    bytes: &'a [u8],
    little: bool,
    entries: &'a [u8],
}

const ENTRY_BYTES: usize = 12;

impl<'a> Tags<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        let mut tags = Self {
            bytes,
            little,
            entries: &[],
        };
        let at = tags.long_at(bytes, 4)?;
        let count = usize::from(tags.short_at(bytes, at)?);
        tags.entries = bytes
            .get(at.checked_add(2)?..)?
            .get(..count * ENTRY_BYTES)?;
        Some(tags)
    }

    fn entry(&self, tag: u16) -> Option<&'a [u8]> {
        let mut entries = self.entries.chunks_exact(ENTRY_BYTES);
        entries.find(|entry| self.short_at(entry, 0) == Some(tag))
    }

    fn short(&self, tag: u16) -> Option<u16> {
        self.short_at(self.entry(tag)?, 8)
    }

    fn ratio(&self, tag: u16) -> Option<f64> {
        let at = self.long_at(self.entry(tag)?, 8)?;
        let above = self.long_at(self.bytes, at)?;
        let below = self.long_at(self.bytes, at.checked_add(4)?)?;
        (below != 0).then(|| above as f64 / below as f64)
    }

    fn short_at(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self.little {
            true => u16::from_le_bytes(raw),
            false => u16::from_be_bytes(raw),
        })
    }

    fn long_at(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        let value = match self.little {
            true => u32::from_le_bytes(raw),
            false => u32::from_be_bytes(raw),
        };
        usize::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IFD: &[u8] = b"II*\0\x08\0\0\0\x03\0\
        \x1A\x01\x05\0\x01\0\0\0\x32\0\0\0\
        \x1B\x01\x05\0\x01\0\0\0\x32\0\0\0\
        \x28\x01\x03\0\x01\0\0\0\x03\0\0\0\
        \0\0\0\0\xEC\x04\0\0\x0A\0\0\0";

    fn jpeg_with(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, 0xD8, 0xFF, marker][..], &length, body].concat()
    }

    #[test]
    fn a_png_gives_dots_per_metre() {
        let chunk = |unit| [b"\0\0\0\x09pHYs\0\0\x2E\x23\0\0\x2E\x23", &[unit][..]].concat();
        let png = |unit| [PNG, &chunk(unit), b"crc."].concat();
        assert_eq!(of(&png(1)), Some(Dpi { x: 300, y: 300 }));
        assert_eq!(of(&png(0)), None);
    }

    #[test]
    fn a_jpeg_gives_its_jfif_density_and_else_its_exif_tags() {
        let density = jpeg_with(APP0, b"JFIF\0\x01\x02\x01\0\xC8\0\x64\0\0");
        assert_eq!(of(&density), Some(Dpi { x: 200, y: 100 }));
        let exif = jpeg_with(APP1, &[b"Exif\0\0", IFD].concat());
        assert_eq!(of(&exif), Some(Dpi { x: 320, y: 320 }));
        let ratio_only = jpeg_with(APP0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
        assert_eq!(of(&ratio_only), None);
    }

    #[test]
    fn no_cut_header_is_read_beyond_its_end() {
        for end in 0..IFD.len() {
            assert_eq!(of(&IFD[..end]), None);
        }
        assert_eq!(of(IFD), Some(Dpi { x: 320, y: 320 }));
    }
}
