//! Reading ahead: while one block is enciphered and sent, the next ones are read and opened, on a thread of their own.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

/// How many bytes are read at once.
const BLOCK: u64 = 64 * 1024;
/// How many blocks wait to be taken, at most: a mebibyte.
const BLOCKS: usize = 16;

/// Does `work` with a reader of what `source` still gives, which is read meanwhile, at most a mebibyte ahead. Afterwards
/// `source` may stand further than `work` has read.
pub fn reading<T>(
    source: &mut (impl Read + Send + ?Sized),
    work: impl FnOnce(&mut dyn Read) -> T,
) -> T {
    let (full, blocks) = sync_channel(BLOCKS);
    thread::scope(|scope| {
        scope.spawn(move || fetch(source, &full));
        // Dropped before the thread is waited for, which ends it where `work` did not want all.
        let mut ahead = Ahead {
            blocks,
            block: Vec::new(),
            at: 0,
        };
        work(&mut ahead)
    })
}

fn fetch(source: &mut (impl Read + ?Sized), full: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = Vec::new();
        let read = (&mut *source).take(BLOCK).read_to_end(&mut block);
        let last = !matches!(read, Ok(1..));
        if full.send(read.map(|_| block)).is_err() || last {
            return;
        }
    }
}

struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            // Nothing more comes after the end, or after a fault that was told.
            self.block = self.blocks.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
            self.at = 0;
        }
        let mut rest = &self.block[self.at..];
        let count = rest.read(into)?;
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_in_order_and_the_end_comes_again() {
        let text: Vec<u8> = (0..40 * BLOCK + 17).map(|at| (at % 251) as u8).collect();
        let (mut seen, mut source) = (Vec::new(), &text[..]);
        let again = reading(&mut source, |ahead| {
            ahead.read_to_end(&mut seen).unwrap();
            ahead.read(&mut [0]).unwrap()
        });
        assert!(seen == text && again == 0);
    }

    #[test]
    fn a_fault_comes_where_the_source_has_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("damaged"))
            }
        }
        let mut source = (&[7; 10][..]).chain(Broken);
        let said = reading(&mut source, |ahead| ahead.read_to_end(&mut Vec::new()));
        assert_eq!(said.unwrap_err().to_string(), "damaged");
    }

    #[test]
    fn who_stops_early_waits_for_nothing() {
        let first = reading(&mut io::repeat(7), |ahead| {
            let mut byte = [0];
            ahead.read_exact(&mut byte).map(|()| byte[0])
        });
        assert_eq!(first.unwrap(), 7);
    }
}
