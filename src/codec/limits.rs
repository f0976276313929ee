//! What an archive may cost us.

/// The limits that every walker and reader keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most entries, folders included.
    pub entries: u64,
    /// The most bytes of all files together, once unpacked.
    pub bytes: u64,
    /// The most bytes out for one byte in, of the whole and of each file. Under [`Limits::FREE`] bytes nothing is a bomb.
    pub ratio: u64,
    /// The longest name, in bytes as they stand in the archive.
    pub name: usize,
    /// The most bytes of a manifest.
    pub manifest: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            bytes: 50_000_000_000,
            ratio: 100,
            name: 4096,
            manifest: 64 << 20,
        }
    }
}

impl Limits {
    /// What may come out whatever went in: a small blank page compresses a thousandfold, and harms nobody.
    pub const FREE: u64 = 128 << 10;

    /// Whether `read` bytes that gave `made` bytes are a bomb.
    pub fn is_bomb(&self, read: u64, made: u64) -> bool {
        made > Self::FREE && made > read.saturating_mul(self.ratio)
    }
}
