//! Free loopback ports, taken below the range from which the kernel serves outgoing connections, so that no client
//! of a busy test sits on a port between the moment it was found free and the moment a server listens there.
//!
//! Each process takes them from blocks of its own: a lock on a block's file lasts as long as the process, so that a gateway
//! that is stopped and started again does not find another process's there.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

const FIRST: u32 = 15_000;
const COUNT: u32 = 15_000;
/// Ports of one block: more than most runs need.
const BLOCK: u32 = 300;

/// For a call of the loopback to be taken or refused.
const PATIENCE: Duration = Duration::from_secs(5);

static PORTS: Mutex<Ports> = Mutex::new(Ports::none());

/// A port that nothing listens on, given once per process, and to no other process while this one lives.
pub fn free() -> u16 {
    let mut ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    (0..COUNT)
        .map(|_| ports.candidate())
        .find(|port| is_free(*port))
        .expect("one port in fifteen thousand is free")
}

/// So many ports in a row that nothing listens on, given like those of [`free`]; the first of them.
pub fn free_row(count: u16) -> u16 {
    let mut ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut row = Vec::new();
    for port in (0..COUNT).map(|_| ports.candidate()) {
        let follows = row.last().is_none_or(|last| last + 1 == port);
        if !follows || !is_free(port) {
            row.clear();
        }
        if is_free(port) {
            row.push(port);
        }
        if row.len() == usize::from(count) {
            return row[0];
        }
    }
    panic!("no {count} ports in a row are free");
}

/// Whether nobody listens there. Asked by a call and never by listening: a program that another test starts just then is born
/// with every socket of ours, and would keep that one in use until it runs.
fn is_free(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpStream::connect_timeout(&address, PATIENCE).is_err()
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
    use std::{
        collections::BTreeSet,
        net::TcpListener,
        process::Command,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

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

    #[test]
    fn a_port_that_somebody_listens_on_is_not_free() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!is_free(taken.local_addr().unwrap().port()));
    }

    /// What finds a port free leaves nothing there that a program started meanwhile could hold.
    #[test]
    fn a_port_that_was_found_free_can_be_taken_whatever_is_started_meanwhile() {
        const TRIES: usize = 3_000;
        let over = AtomicBool::new(false);
        let refused = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        Command::new("true").status().expect("coreutils are there");
                    }
                });
            }
            let mut ports = Ports::none();
            let found = (0..TRIES)
                .map(|_| ports.candidate())
                .filter(|port| is_free(*port));
            let refused = found.filter_map(|port| TcpListener::bind(("127.0.0.1", port)).err());
            let refused: Vec<_> = refused.collect();
            over.store(true, Ordering::Relaxed);
            refused
        });
        assert!(refused.is_empty(), "{refused:?}");
    }
}
