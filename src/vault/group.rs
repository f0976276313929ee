//! Frames on their way to the file: gathered, hashed, sealed in place, written at once.

use super::frame::{GROUP, SLOT, TAG, TEXT};
use crate::kernel::digest::blocks::{BLOCK, Block};

/// Blocks of a digest in a full frame: no block crosses a frame's border.
const FRAME_BLOCKS: usize = TEXT / BLOCK;

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
