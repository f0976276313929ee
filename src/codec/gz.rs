//! A gzip: one member from the first byte to the last, its checksum and length held.

use std::io::{self, BufRead, BufReader, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{
    finding::{Finding, FindingCode, Refusal},
    limits::Limits,
};

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const HEADER: usize = 10;
const CHECKED: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// The longest header, names included.
const HEADER_MOST: usize = 80 << 10;
/// Bytes inflated at once.
const CHUNK: usize = 256 << 10;
/// How far the text may run ahead of the ratio while the rest is still to come.
const AHEAD: u64 = 16 << 20;

/// What a gzip held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// Bytes of text that went to the sink.
    pub size: u64,
    /// Bytes of the gzip.
    pub read: u64,
}

/// The length of the gzip header that `prefix` begins with; none where it is not one, or not whole.
pub(super) fn header_length(prefix: &[u8]) -> Option<usize> {
    if !prefix.starts_with(&MAGIC) || prefix.len() < HEADER || prefix[3] & RESERVED != 0 {
        return None;
    }
    let flags = prefix[3];
    let mut at = HEADER;
    if flags & EXTRA != 0 {
        let length: [u8; 2] = *prefix.get(at..)?.first_chunk()?;
        at += 2 + usize::from(u16::from_le_bytes(length));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            at += 1 + prefix.get(at..)?.iter().position(|byte| *byte == 0)?;
        }
    }
    if flags & CHECKED != 0 {
        at += 2;
    }
    (at <= prefix.len()).then_some(at)
}

/// Inflates the gzip that `source` is, whole, into `sink`. What went to the sink is not to be trusted unless this
/// succeeds. Fails with findings (several members, bytes after the end, false checksum or length, the limits' bytes and
/// ratio, counted on what was read), or where source or sink do not answer.
pub fn unpack(
    source: impl Read,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
    limits: &Limits,
) -> Result<Unpacked, Refusal> {
    let mut source = BufReader::with_capacity(CHUNK, source);
    let header = header(&mut source)?;
    let mut unpacking = Unpacking {
        inflater: Decompress::new(false),
        crc: Crc::new(),
        limits,
        header: header as u64,
    };
    unpacking.text(&mut source, &mut sink)?;
    unpacking.end(&mut source)
}

struct Unpacking<'l> {
    inflater: Decompress,
    crc: Crc,
    limits: &'l Limits,
    header: u64,
}

impl Unpacking<'_> {
    fn text(
        &mut self,
        source: &mut impl BufRead,
        sink: &mut impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Refusal> {
        let mut text = vec![0; CHUNK];
        loop {
            let at_hand = source.fill_buf()?;
            let whole = at_hand.is_empty();
            let (read, made) = (self.inflater.total_in(), self.inflater.total_out());
            let status = self
                .inflater
                .decompress(at_hand, &mut text, FlushDecompress::None)
                .map_err(|_| {
                    Finding::new(
                        FindingCode::DamagedContent,
                        "Le contenu compressé est illisible.",
                    )
                })?;
            let read = (self.inflater.total_in() - read) as usize;
            let made = (self.inflater.total_out() - made) as usize;
            source.consume(read);
            self.crc.update(&text[..made]);
            self.check(AHEAD)?;
            sink(&text[..made]).map_err(Refusal::Unreadable)?;
            if status == Status::StreamEnd {
                return self.check(0);
            }
            if whole && made == 0 {
                return Err(cut());
            }
        }
    }

    /// Holds what came out to the limits; the ratio may still be `ahead` of what will have been read in the end.
    fn check(&self, ahead: u64) -> Result<(), Refusal> {
        let (read, made) = (
            self.header + self.inflater.total_in(),
            self.inflater.total_out(),
        );
        if made > self.limits.bytes {
            let detail = format!("Plus de {} octets une fois décompressé.", self.limits.bytes);
            return Err(Refusal::one(FindingCode::TooLarge, detail));
        }
        if self.limits.is_bomb(read, made.saturating_sub(ahead)) {
            let detail = format!(
                "Plus de {} octets pour un octet compressé.",
                self.limits.ratio
            );
            return Err(Refusal::one(FindingCode::RatioExceeded, detail));
        }
        Ok(())
    }

    /// Checksum and length, then nothing.
    fn end(self, source: &mut impl BufRead) -> Result<Unpacked, Refusal> {
        let mut trailer = [0; 8];
        whole(source, &mut trailer)?;
        let (crc, length) = (&trailer[..4], &trailer[4..]);
        if crc != self.crc.sum().to_le_bytes() {
            let detail = "La somme de contrôle (CRC) du contenu n'est pas celle de l'archive.";
            return Err(Refusal::one(FindingCode::FalseCrc, detail));
        }
        // The length is told modulo 2^32.
        let size = self.inflater.total_out();
        if length != (size as u32).to_le_bytes() {
            return Err(Refusal::one(
                FindingCode::FalseSize,
                "La taille du contenu n'est pas celle de l'archive.",
            ));
        }
        let rest = source.fill_buf()?;
        if rest.starts_with(&MAGIC[..2]) {
            return Err(Refusal::one(
                FindingCode::GzipMembers,
                "Le gzip a plusieurs membres ; un seul est admis.",
            ));
        }
        if !rest.is_empty() {
            return Err(Refusal::one(
                FindingCode::TrailingBytes,
                "Des octets suivent la fin du gzip.",
            ));
        }
        let read = self.header + self.inflater.total_in() + trailer.len() as u64;
        Ok(Unpacked { size, read })
    }
}

/// Reads the header, byte by byte behind its fixed part; its length.
fn header(source: &mut impl BufRead) -> Result<usize, Refusal> {
    let mut bytes = vec![0; HEADER];
    whole(source, &mut bytes)?;
    while header_length(&bytes).is_none() {
        let hopeless =
            !bytes.starts_with(&MAGIC) || bytes[3] & RESERVED != 0 || bytes.len() > HEADER_MOST;
        if hopeless {
            return Err(Refusal::one(
                FindingCode::Malformed,
                "L'en-tête du gzip est illisible.",
            ));
        }
        let mut byte = [0];
        whole(source, &mut byte)?;
        bytes.push(byte[0]);
    }
    checked(&bytes)?;
    Ok(bytes.len())
}

/// The header's own checksum, where it has one: the lower half of the CRC of all before it.
fn checked(header: &[u8]) -> Result<(), Refusal> {
    if header[3] & CHECKED == 0 {
        return Ok(());
    }
    let (covered, told) = header.split_at(header.len() - 2);
    let mut crc = Crc::new();
    crc.update(covered);
    match told == (crc.sum() as u16).to_le_bytes() {
        true => Ok(()),
        false => Err(Refusal::one(
            FindingCode::FalseCrc,
            "La somme de contrôle de l'en-tête du gzip est fausse.",
        )),
    }
}

fn whole(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), Refusal> {
    source
        .read_exact(bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut(),
            _ => error.into(),
        })
}

fn cut() -> Refusal {
    Refusal::one(FindingCode::Truncated, "Le gzip se termine trop tôt.")
}
