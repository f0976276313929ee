//! Frames on their way to the file: gathered, hashed, sealed in place, written at once.

use std::{mem, sync::LazyLock};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::frame::{GROUP, HEADER, SLOT, TAG, TEXT};
use crate::kernel::digest::blocks::{BLOCK, Block};

/// Blocks of a digest in a full frame: no block crosses a frame's border.
const FRAME_BLOCKS: usize = TEXT / BLOCK;

/// The bytes of a full group, the file's header included.
const ROOM: usize = HEADER + GROUP * SLOT;

/// How many groups' room is kept for the next ones: 4 MB. To ask the system for it costs a small piece as much as to write it.
/// More than these go back to the system with the crowd that needed them.
const SPARES: usize = 16;

/// Where room is given back, and where it is found again.
type Shelf<T> = (Sender<T>, Receiver<T>);

/// Room that was given back: what it holds is forgotten.
static SPARE: LazyLock<Shelf<Vec<u8>>> = LazyLock::new(|| bounded(SPARES));

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
        let (_, spare) = &*SPARE;
        let mut bytes = spare
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(ROOM));
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
        let mut room = mem::take(&mut self.bytes);
        if room.capacity() >= ROOM {
            room.clear();
            // Where enough is kept, it goes back to the system.
            let _ = SPARE.0.try_send(room);
        }
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
    fn what_a_crowd_leaves_is_kept_up_to_a_limit() {
        let crowd: Vec<_> = (0..2 * SPARES).map(|_| Group::after(&[])).collect();
        drop(crowd);
        let (_, spare) = &*SPARE;
        assert!(spare.len() <= SPARES);
    }
}
