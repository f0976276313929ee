//! Decoding of every pixel of an image, within a budget. Runs in a child only.

use std::io::Cursor;

use image::{ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use tiff::{TiffError, decoder};

use super::{jpeg, sandbox::Budget};

/// What was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Of the first page, in pixels.
    pub width: u32,
    /// Of the first page, in pixels.
    pub height: u32,
    /// How many pages: more than one in a TIFF only.
    pub pages: u32,
}

/// Why nothing was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Not readable, or not to its end.
    Broken,
    /// A variant that the libraries do not know.
    Unsupported,
    /// Its pixels need more memory than the budget.
    TooLarge,
}

/// Decodes all pixels of all pages.
pub(super) fn decode(bytes: &[u8], budget: Budget) -> Result<Seen, Unusable> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Tiff) => tiff_pages(bytes, budget),
        Ok(ImageFormat::Jpeg) if !jpeg::has_end(bytes) => Err(Unusable::Broken),
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => one_page(bytes, format, budget),
        _ => Err(Unusable::Broken),
    }
}

fn one_page(bytes: &[u8], format: ImageFormat, budget: Budget) -> Result<Seen, Unusable> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits(budget));
    let decoder = reader.into_decoder().map_err(image_fault)?;
    let (width, height) = decoder.dimensions();
    let mut pixels = room(decoder.total_bytes(), budget)?;
    decoder.read_image(&mut pixels).map_err(image_fault)?;
    Ok(Seen {
        width,
        height,
        pages: 1,
    })
}

fn limits(budget: Budget) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(budget.decoded_bytes);
    limits
}

fn room(wanted: u64, budget: Budget) -> Result<Vec<u8>, Unusable> {
    let allowed = Some(wanted).filter(|wanted| *wanted <= budget.decoded_bytes);
    let length = allowed.and_then(|wanted| usize::try_from(wanted).ok());
    Ok(vec![0; length.ok_or(Unusable::TooLarge)?])
}

fn tiff_pages(bytes: &[u8], budget: Budget) -> Result<Seen, Unusable> {
    let decoder = decoder::Decoder::new(Cursor::new(bytes)).map_err(tiff_fault)?;
    let mut decoder = decoder.with_limits(tiff_limits(budget));
    let (width, height) = decoder.dimensions().map_err(tiff_fault)?;
    let mut pages = 1;
    decoder.read_image().map_err(tiff_fault)?;
    while decoder.more_images() {
        decoder.next_image().map_err(tiff_fault)?;
        decoder.read_image().map_err(tiff_fault)?;
        pages += 1;
    }
    Ok(Seen {
        width,
        height,
        pages,
    })
}

fn tiff_limits(budget: Budget) -> decoder::Limits {
    let bytes = usize::try_from(budget.decoded_bytes).unwrap_or(usize::MAX);
    let mut limits = decoder::Limits::default();
    limits.decoding_buffer_size = bytes;
    limits.intermediate_buffer_size = bytes;
    limits
}

fn image_fault(error: ImageError) -> Unusable {
    match error {
        ImageError::Limits(_) => Unusable::TooLarge,
        ImageError::Unsupported(_) => Unusable::Unsupported,
        _ => Unusable::Broken,
    }
}

fn tiff_fault(error: TiffError) -> Unusable {
    match error {
        TiffError::LimitsExceeded => Unusable::TooLarge,
        TiffError::UnsupportedError(_) => Unusable::Unsupported,
        _ => Unusable::Broken,
    }
}

#[cfg(test)]
mod tests {
    use tiff::encoder::{TiffEncoder, colortype::Gray8};

    use super::*;

    fn two_pages() -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        for _ in 0..2 {
            encoder.write_image::<Gray8>(8, 4, &[7; 32]).unwrap();
        }
        file.into_inner()
    }

    fn decoded(bytes: &[u8], decoded_bytes: u64) -> Result<Seen, Unusable> {
        decode(bytes, Budget { decoded_bytes })
    }

    #[test]
    fn every_page_of_a_tiff_is_decoded() {
        let seen = decoded(&two_pages(), 1_000).unwrap();
        assert_eq!((seen.width, seen.height, seen.pages), (8, 4, 2));
    }

    #[test]
    fn pixels_over_the_budget_are_not_decoded() {
        assert_eq!(decoded(&two_pages(), 31), Err(Unusable::TooLarge));
    }
}
