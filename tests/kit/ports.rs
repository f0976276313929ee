//! Free loopback ports, taken below the range from which the kernel serves outgoing connections, so that no client
//! of a busy test sits on a port between the moment it was found free and the moment a server listens there.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering},
};

const FIRST: u32 = 15_000;
const COUNT: u32 = 15_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port that nothing listens on, given once per process.
pub fn free() -> u16 {
    (0..COUNT)
        .map(|_| candidate())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one port in fifteen thousand is free")
}

/// So many ports in a row that nothing listens on, given once per process; the first of them.
pub fn free_row(count: u16) -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (0..COUNT)
        .map(|_| {
            NEXT.fetch_add(u32::from(count), Ordering::Relaxed);
            candidate()
        })
        .filter(|last| u32::from(*last) >= FIRST + u32::from(count))
        .map(|last| last - count)
        .find(|first| (*first..first + count).all(is_free))
        .expect("a few ports in a row are free")
}

/// Processes that run side by side start far apart.
fn candidate() -> u16 {
    let start = std::process::id().wrapping_mul(2_654_435_761) % COUNT;
    let step = NEXT.fetch_add(1, Ordering::Relaxed);
    u16::try_from(FIRST + (start + step) % COUNT).expect("below 30,000 by construction")
}
