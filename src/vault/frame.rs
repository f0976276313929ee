//! One frame: where it lies in the file, and how it is sealed and opened. See [`super`] for the layout.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use uuid::Uuid;

use crate::kernel::{
    digest,
    fault::{Code, Fault, Result},
    secret::Key,
};

/// Bytes of text in a full frame.
pub const TEXT: usize = 64 * 1024;
/// Bytes of a frame's tag.
pub const TAG: usize = 16;
/// Bytes of a full frame in the file.
pub const SLOT: usize = TEXT + TAG;
/// Bytes before the first frame.
pub const HEADER: usize = 24;
/// Frames that are read, sealed or written at once.
pub const GROUP: usize = 4;

const MAGIC: [u8; 4] = *b"NVTB";
const VERSION: u8 = 1;

/// How many frames hold `size` bytes: one at least, since an empty blob too is proved by a tag.
pub fn count(size: u64) -> u64 {
    size.div_ceil(TEXT as u64).max(1)
}

/// The length of the file of a blob of `size` bytes.
pub fn file_length(size: u64) -> u64 {
    HEADER as u64 + size + count(size) * TAG as u64
}

/// The size of the blob in a file of `length` bytes; `None` where no blob has such a file.
pub fn blob_size(length: u64) -> Option<u64> {
    let body = length.checked_sub(HEADER as u64)?;
    let tags = body.div_ceil(SLOT as u64).max(1) * TAG as u64;
    let size = body.checked_sub(tags)?;
    (file_length(size) == length).then_some(size)
}

/// Seals and opens the frames of one blob.
pub struct Cipher {
    key: LessSafeKey,
    header: [u8; HEADER],
}

impl Cipher {
    /// The cipher of blob `id`, under a key derived from `key` and the id.
    pub fn new(key: &Key, id: Uuid) -> Result<Self> {
        let own = Key::new(digest::keyed(key, &[b"navette blob", id.as_bytes()]));
        let key = UnboundKey::new(&AES_256_GCM, own.expose())
            .map_err(|_| Fault::internal("AES-256-GCM refused its key"))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            header: header(id),
        })
    }

    /// What the file begins with.
    pub fn header(&self) -> &[u8; HEADER] {
        &self.header
    }

    /// Seals `slot` in place: text, then room for the tag. Each index is sealed once in a blob's life.
    pub fn seal(&self, index: u64, last: bool, slot: &mut [u8]) -> Result<()> {
        let refused = || Fault::internal("AES-256-GCM refused to seal a frame");
        let (text, room) = slot.split_last_chunk_mut::<TAG>().ok_or_else(refused)?;
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(index), self.aad(index, last), text)
            .map_err(|_| refused())?;
        room.copy_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens `slot` (ciphertext, then tag) into `text`, which is [`TAG`] bytes shorter. Fails with `corrupt` if one bit,
    /// the place or the last-frame mark differs: `text` must not be used then.
    pub fn open(&self, index: u64, last: bool, slot: &[u8], text: &mut [u8]) -> Result<()> {
        let refused = || corrupt(format!("frame {index} does not open"));
        let (sealed, tag) = slot.split_last_chunk::<TAG>().ok_or_else(refused)?;
        self.key
            .open_separate_gather(nonce(index), self.aad(index, last), sealed, tag, text)
            .map_err(|_| refused())
    }

    fn aad(&self, index: u64, last: bool) -> Aad<[u8; HEADER + 9]> {
        let mut aad = [0; HEADER + 9];
        aad[..HEADER].copy_from_slice(&self.header);
        aad[HEADER..HEADER + 8].copy_from_slice(&index.to_be_bytes());
        aad[HEADER + 8] = u8::from(last);
        Aad::from(aad)
    }
}

/// The fault of bytes that are not what was written.
pub fn corrupt(cause: impl std::fmt::Display) -> Fault {
    Fault::new(
        Code::Corrupt,
        "Le contenu enregistré est altéré ou manquant.",
    )
    .because(cause)
}

fn header(id: Uuid) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&MAGIC);
    header[4] = VERSION;
    header[8..].copy_from_slice(id.as_bytes());
    header
}

fn nonce(index: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - 8..].copy_from_slice(&index.to_be_bytes());
    Nonce::from(&nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_length_tells_the_blob_size_and_impossible_lengths_tell_none() {
        for size in [0, 1, 65_535, 65_536, 65_537, 131_072, 19_900_000] {
            assert_eq!(blob_size(file_length(size)), Some(size));
        }
        let just_a_tag_more = file_length(65_536) + TAG as u64;
        for length in [0, 24, 39, just_a_tag_more] {
            assert_eq!(blob_size(length), None, "length {length}");
        }
    }

    #[test]
    fn a_frame_opens_only_at_its_place_and_under_its_mark() {
        let cipher = Cipher::new(&Key::new([1; 32]), Uuid::from_u128(7)).unwrap();
        let mut slot = *b"abc................";
        cipher.seal(3, false, &mut slot).unwrap();
        let mut text = [0; 3];
        cipher.open(3, false, &slot, &mut text).unwrap();
        assert_eq!(&text, b"abc");
        assert!(cipher.open(4, false, &slot, &mut text).is_err());
        assert!(cipher.open(3, true, &slot, &mut text).is_err());
    }

    #[test]
    fn one_data_key_gives_two_blobs_two_ciphers() {
        let key = Key::new([1; 32]);
        let sealed = |id| {
            let mut slot = [0; TAG + 32];
            let cipher = Cipher::new(&key, Uuid::from_u128(id)).unwrap();
            cipher.seal(0, true, &mut slot).unwrap();
            slot
        };
        assert_ne!(sealed(1)[..32], sealed(2)[..32]);
    }
}
