//! The blocking half of a writer: hashes, seals and writes groups of frames, then publishes the file.

use super::{
    disk::Part,
    frame::{Cipher, GROUP, SLOT, TAG, TEXT},
};
use crate::kernel::{
    digest::{Digests, Hasher},
    fault::Result,
};

/// Up to [`GROUP`] frames, gathered in the very layout of the file (room for each tag included), so that they are sealed
/// in place and written at once.
pub struct Group {
    bytes: Vec<u8>,
    /// Bytes of header before the first frame.
    head: usize,
    /// Text in the frame that is being filled.
    open: usize,
    frames: usize,
}

impl Group {
    /// An empty group, after the file's `header` (empty but for the first group).
    pub fn after(header: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(header.len() + GROUP * SLOT);
        bytes.extend_from_slice(header);
        Self {
            bytes,
            head: header.len(),
            open: 0,
            frames: 1,
        }
    }

    /// What stands in for a group that went to the press: it is never filled.
    pub fn spent() -> Self {
        Self {
            bytes: Vec::new(),
            head: 0,
            open: TEXT,
            frames: GROUP,
        }
    }

    /// Whether not one byte more fits.
    pub fn is_full(&self) -> bool {
        self.open == TEXT && self.frames == GROUP
    }

    /// Takes what fits of `text` in one frame, and gives the rest back.
    pub fn take<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        if self.open == TEXT && self.frames < GROUP {
            self.close_frame();
            self.open = 0;
            self.frames += 1;
        }
        let (fits, rest) = text.split_at(text.len().min(TEXT - self.open));
        self.bytes.extend_from_slice(fits);
        self.open += fits.len();
        rest
    }

    fn close_frame(&mut self) {
        self.bytes.resize(self.bytes.len() + TAG, 0);
    }

    /// The frames as they will lie in the file: text, then room for the tag.
    fn slots(&mut self) -> impl ExactSizeIterator<Item = &mut [u8]> {
        self.close_frame();
        self.bytes[self.head..].chunks_mut(SLOT)
    }
}

/// What turns text into a file.
pub struct Press {
    part: Part,
    cipher: Cipher,
    hasher: Hasher,
    /// The index of the next frame.
    next: u64,
}

impl Press {
    /// A press at the start of a blob, boxed since it travels between threads.
    pub fn new(part: Part, cipher: Cipher, hasher: Hasher) -> Box<Self> {
        Box::new(Self {
            part,
            cipher,
            hasher,
            next: 0,
        })
    }

    /// The first group of the blob, empty.
    pub fn first_group(&self) -> Group {
        Group::after(self.cipher.header())
    }

    /// Whether dropping it removes a file, which may block.
    pub fn has_file(&self) -> bool {
        self.part.exists()
    }

    /// Hashes, seals and writes a full group that others follow. Blocks.
    pub fn print(mut self: Box<Self>, group: Group) -> Result<Box<Self>> {
        self.group(group, false)?;
        Ok(self)
    }

    /// The same with the last group, then makes the blob durable under its final name. Blocks.
    pub fn finish(mut self: Box<Self>, group: Group) -> Result<Digests> {
        self.group(group, true)?;
        self.part.publish()?;
        Ok(self.hasher.finish())
    }

    fn group(&mut self, mut group: Group, last: bool) -> Result<()> {
        let slots = group.slots();
        let final_one = slots.len() - 1;
        for (place, slot) in slots.enumerate() {
            self.hasher.update(&slot[..slot.len() - TAG]);
            self.cipher
                .seal(self.next, last && place == final_one, slot)?;
            self.next += 1;
        }
        self.part.write(&group.bytes)
    }
}
