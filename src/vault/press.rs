//! The blocking half of a writer: seals and writes groups of frames that were hashed, then publishes the file.

use super::{disk::Part, frame::Cipher, group::Group};
use crate::kernel::fault::Result;

/// What turns text into a file.
pub struct Press {
    part: Part,
    cipher: Cipher,
    /// The index of the next frame.
    next: u64,
}

impl Press {
    /// A press at the start of a blob, boxed since it travels between threads.
    pub fn new(part: Part, cipher: Cipher) -> Box<Self> {
        Box::new(Self {
            part,
            cipher,
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

    /// Seals and writes a full group that others follow. Blocks.
    pub fn print(mut self: Box<Self>, group: Group) -> Result<Box<Self>> {
        self.write(group, false)?;
        Ok(self)
    }

    /// The same with the last group, then makes the blob durable under its final name. Blocks.
    pub fn finish(mut self, group: Group) -> Result<()> {
        if !self.part.exists() {
            self.part.name_at_once()?;
        }
        self.write(group, true)?;
        self.part.publish()
    }

    fn write(&mut self, mut group: Group, last: bool) -> Result<()> {
        let slots = group.slots();
        let final_one = slots.len() - 1;
        for (place, slot) in slots.enumerate() {
            self.cipher
                .seal(self.next, last && place == final_one, slot)?;
            self.next += 1;
        }
        self.part.write(group.bytes())
    }
}
