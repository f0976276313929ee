//! Free loopback ports, taken below the range from which the kernel serves outgoing connections, so that no client
//! of a busy test sits on a port between the moment it was found free and the moment a server listens there.
//!
//! Each process takes them from blocks of its own: a lock on a block's file lasts as long as the process, so that a gateway
//! that is stopped and started again does not find another process's there.

use std::{
    fs::{self, File},
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

use rustix::fs::{FlockOperation, flock};

const FIRST: u32 = 15_000;
const COUNT: u32 = 15_000;
/// Ports of one block: more than most runs need.
const BLOCK: u32 = 300;

static PORTS: Mutex<Ports> = Mutex::new(Ports::none());

/// A port that nothing listens on, given once per process, and to no other process while this one lives.
pub fn free() -> u16 {
    let mut ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    (0..COUNT)
        .map(|_| ports.candidate())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one port in fifteen thousand is free")
}

/// The blocks that a process holds, and how many of their ports it has given.
struct Ports {
    blocks: Vec<(u32, File)>,
    given: u32,
}

impl Ports {
    const fn none() -> Self {
        Self {
            blocks: Vec::new(),
            given: 0,
        }
    }

    /// The next port; where no block is left to take, those of our own again.
    fn candidate(&mut self) -> u16 {
        if self.given == self.blocks.len() as u32 * BLOCK {
            match unheld() {
                Some(block) => self.blocks.push(block),
                None => self.given = 0,
            }
        }
        let (block, _) = self.blocks[(self.given / BLOCK) as usize];
        let port = FIRST + block * BLOCK + self.given % BLOCK;
        self.given += 1;
        u16::try_from(port).expect("below 30,000 by construction")
    }
}

/// A block that no process holds, held from now on.
fn unheld() -> Option<(u32, File)> {
    let folder = std::env::temp_dir().join("navette-test-ports");
    fs::create_dir_all(&folder).expect("the temporary directory is writable");
    (0..COUNT / BLOCK).find_map(|block| {
        let file = File::create(folder.join(block.to_string())).ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some((block, file))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A lock is the open file's: two of these stand for two processes.
    #[test]
    fn processes_that_run_side_by_side_take_their_ports_from_different_blocks() {
        let take = |ports: &mut Ports| -> BTreeSet<u16> {
            (0..2 * BLOCK).map(|_| ports.candidate()).collect()
        };
        let (mut one, mut two) = (Ports::none(), Ports::none());
        let (one, two) = (take(&mut one), take(&mut two));
        assert_eq!(
            (one.len(), two.len()),
            (2 * BLOCK as usize, 2 * BLOCK as usize)
        );
        assert!(one.is_disjoint(&two), "{one:?}\n{two:?}");
    }
}
