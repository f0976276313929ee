//! Frames on their way to the file: gathered, hashed, sealed in place, written at once.

use std::{mem, sync::LazyLock};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::frame::{GROUP, HEADER, SLOT, TAG, TEXT};
use crate::kernel::digest::blocks::{BLOCK, Block};

/// Blocks of a digest in a full frame: no block crosses a frame's border.
const FRAME_BLOCKS: usize = TEXT / BLOCK;

/// The bytes of a full group, the file's header included.
const ROOM: usize = HEADER + GROUP * SLOT;

/// How many groups' room is kept for the next ones: 4 MB. Small pieces find theirs there instead of asking the system for each;
/// what a crowd held beyond these goes back to it.
const SPARES: usize = 16;

/// Room that was given back, for whoever comes next.
static SHELF: LazyLock<Shelf> = LazyLock::new(Shelf::empty);

/// Keeps up to [`SPARES`] groups' room. Never waits.
struct Shelf {
    put: Sender<Vec<u8>>,
    take: Receiver<Vec<u8>>,
}

impl Shelf {
    fn empty() -> Self {
        let (put, take) = bounded(SPARES);
        Self { put, take }
    }

    /// Room for a full group, with nothing in it.
    fn room(&self) -> Vec<u8> {
        let kept = self.take.try_recv();
        kept.unwrap_or_else(|_| Vec::with_capacity(ROOM))
    }

    /// Forgets what the room holds, and keeps it unless enough is kept. What is smaller than a group's is not kept.
    fn keep(&self, mut room: Vec<u8>) {
        if room.capacity() >= ROOM {
            room.clear();
            let _ = self.put.try_send(room);
        }
    }
}

/// Up to [`GROUP`] frames, gathered in the very layout of the file (room for each tag included).
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
        let mut bytes = SHELF.room();
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

    /// The text of each frame, until [`Group::slots`] closes the last one.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.frames).map(|frame| self.text(frame))
    }

    /// The number of whole blocks of text.
    pub fn blocks(&self) -> usize {
        (self.frames - 1) * FRAME_BLOCKS + self.open / BLOCK
    }

    /// The blocks from block `from` on, up to `most`, that lie together.
    pub fn run(&self, from: usize, most: usize) -> &[Block] {
        let (frame, within) = (from / FRAME_BLOCKS, from % FRAME_BLOCKS);
        if frame >= self.frames {
            return &[];
        }
        let (blocks, _) = self.text(frame).as_chunks();
        &blocks[within..blocks.len().min(within.saturating_add(most))]
    }

    /// The text after the last whole block.
    pub fn rest(&self) -> &[u8] {
        self.text(self.frames - 1).as_chunks::<BLOCK>().1
    }

    fn text(&self, frame: usize) -> &[u8] {
        let size = match frame + 1 == self.frames {
            true => self.open,
            false => TEXT,
        };
        &self.bytes[self.head + frame * SLOT..][..size]
    }

    /// The frames as they will lie in the file: text, then room for the tag.
    pub fn slots(&mut self) -> impl ExactSizeIterator<Item = &mut [u8]> {
        self.close_frame();
        self.bytes[self.head..].chunks_mut(SLOT)
    }

    /// Header, text and tags, for the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn close_frame(&mut self) {
        self.bytes.resize(self.bytes.len() + TAG, 0);
    }
}

impl Drop for Group {
    /// Keeps its room for another.
    fn drop(&mut self) {
        SHELF.keep(mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_in_the_room_of_another_begins_with_its_own_header_only() {
        for seed in 0..2 * SPARES as u8 {
            let mut groups: Vec<_> = (0..3).map(|_| Group::after(&[seed; HEADER])).collect();
            for group in &mut groups {
                assert_eq!(group.bytes(), [seed; HEADER]);
                assert!(group.bytes.capacity() >= ROOM, "it never grows");
                while !group.is_full() {
                    group.take(&[seed; TEXT]);
                }
            }
        }
    }

    #[test]
    fn what_a_crowd_leaves_is_used_again_up_to_a_limit() {
        let shelf = Shelf::empty();
        let crowd: Vec<_> = (0..2 * SPARES).map(|_| shelf.room()).collect();
        let left: Vec<_> = crowd.iter().map(|room| room.as_ptr()).collect();
        for room in crowd {
            shelf.keep(room);
        }
        let again: Vec<_> = (0..SPARES).map(|_| shelf.room()).collect();
        let again: Vec<_> = again.iter().map(|room| room.as_ptr()).collect();
        assert_eq!(again, left[..SPARES]);
        assert!(shelf.take.is_empty());
    }

    #[test]
    fn room_that_is_too_small_for_a_group_is_not_kept() {
        let shelf = Shelf::empty();
        shelf.keep(Vec::with_capacity(ROOM / 2));
        assert!(shelf.room().capacity() >= ROOM);
    }
}
