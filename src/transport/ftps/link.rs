//! The sockets of one session, and the deadline that none of them outlives.
//!
//! A library that reads until the peer speaks has no deadline of its own worth the name: a timeout of the socket starts
//! again with every byte. So a thread of the session's own watches the clock. Whoever is about to wait says until when
//! ([`Link::within`]); at that instant every socket of the session is shut, and what blocked on one comes back with a fault.
//! A transfer says it again after each [`STRIDE`] bytes, which makes the deadline a least rate as well.

use std::{
    net::{Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::kernel::fault::{Fault, Result};

/// How many bytes of a transfer pass under one deadline.
pub(super) const STRIDE: u64 = 256 * 1024;

/// The sockets of a session under one deadline.
pub(super) struct Link(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    sockets: Vec<TcpStream>,
    deadline: Option<Instant>,
    over: bool,
    silent: bool,
    closed: bool,
}

/// The right to add sockets to a link, and nothing else.
#[derive(Clone)]
pub(super) struct Holder(Arc<Shared>);

impl Link {
    /// A link without sockets, its watch running.
    pub(super) fn new() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        thread::Builder::new()
            .name("depot-deadline".to_owned())
            .spawn(move || watch(&watched))
            .map_err(Fault::internal)?;
        Ok(Self(shared))
    }

    /// Gives the right to add sockets.
    pub(super) fn holder(&self) -> Holder {
        Holder(Arc::clone(&self.0))
    }

    /// Lets what follows take this long, whatever was said before.
    pub(super) fn within(&self, time: Duration) {
        self.0.lock().deadline = Some(Instant::now() + time);
        self.0.changed.notify_all();
    }

    /// Nobody waits any more.
    pub(super) fn at_rest(&self) {
        self.0.lock().deadline = None;
        self.0.changed.notify_all();
    }

    /// Whether the sockets are shut, by a deadline or by [`Link::cut`]: the session is of no use.
    pub(super) fn is_over(&self) -> bool {
        self.0.lock().over
    }

    /// Whether it was a deadline that ended it: the other end kept silent.
    pub(super) fn is_silent(&self) -> bool {
        self.0.lock().silent
    }

    /// Shuts every socket now.
    pub(super) fn cut(&self) {
        self.0.lock().cut();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.cut();
        state.closed = true;
        self.0.changed.notify_all();
    }
}

impl Holder {
    /// Puts a socket under the deadline. The sockets that the session is done with are let go.
    pub(super) fn hold(&self, socket: &TcpStream, only_with: usize) -> std::io::Result<()> {
        let own = socket.try_clone()?;
        let mut state = self.0.lock();
        state.sockets.truncate(only_with);
        if state.over {
            let _ = own.shutdown(Shutdown::Both);
        }
        state.sockets.push(own);
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cut(&mut self) {
        self.over = true;
        for socket in self.sockets.drain(..) {
            // One that is closed already is what we want.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn watch(shared: &Shared) {
    let mut state = shared.lock();
    while !state.closed {
        let left = state
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        state = match left {
            None => wait(shared, state),
            Some(left) if left.is_zero() => {
                state.deadline = None;
                state.silent = true;
                state.cut();
                state
            }
            Some(left) => wait_for(shared, state, left),
        };
    }
}

fn wait<'a>(shared: &'a Shared, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    let woken = shared.changed.wait(state);
    woken.unwrap_or_else(PoisonError::into_inner)
}

fn wait_for<'a>(
    shared: &'a Shared,
    state: MutexGuard<'a, State>,
    time: Duration,
) -> MutexGuard<'a, State> {
    let woken = shared.changed.wait_timeout(state, time);
    woken.unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener};

    use super::*;

    #[test]
    fn a_read_that_waits_for_a_silent_peer_ends_at_the_deadline_and_so_does_every_later_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _peer = listener.accept().unwrap();
        let link = Link::new().unwrap();
        link.holder().hold(&socket, 0).unwrap();
        link.within(Duration::from_millis(20));
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
        assert!(link.is_over() && link.is_silent());
        let mut late = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _peer = listener.accept().unwrap();
        link.holder().hold(&late, 1).unwrap();
        assert_eq!(late.read(&mut [0]).unwrap(), 0);
    }
}
