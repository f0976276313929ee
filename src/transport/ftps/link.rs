//! The sockets of one session, and the deadline that none of them outlives.
//!
//! A library that reads until the peer speaks has no deadline of its own worth the name: a timeout of the socket starts
//! again with every byte. So a thread of the session's own watches the clock. Whoever is about to wait says until when
//! ([`Link::within`]); at that instant every socket of the session is shut, and what blocked on one comes back with a fault.
//! A transfer says it again after each [`STRIDE`] bytes, which makes the deadline a least rate as well.
//!
//! A transfer that stands still at its deadline ([`Link::within_transfer`]) loses its data connection first: the reason may wait
//! on the control connection, which has [`LAST_WORD`] more to tell it.

use std::{
    net::{Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::kernel::fault::{Fault, Result};

/// How many bytes of a transfer pass under one deadline.
pub(super) const STRIDE: u64 = 256 * 1024;

/// How long the control connection may take to say why a transfer stood still. What it said is there by then.
pub(super) const LAST_WORD: Duration = Duration::from_millis(500);

/// The sockets of a session under one deadline: the control connection first, then the data connection.
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
    in_transfer: bool,
    stalled: bool,
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
        self.set(Some(time), false);
    }

    /// The same for bytes of a transfer: at the deadline its data connection is shut, the control connection a little later.
    /// Of one that is shut already nothing is waited for.
    pub(super) fn within_transfer(&self, time: Duration) {
        if !self.is_stalled() {
            self.set(Some(time), true);
        }
    }

    /// Nobody waits any more.
    pub(super) fn at_rest(&self) {
        self.set(None, false);
    }

    fn set(&self, time: Option<Duration>, in_transfer: bool) {
        let mut state = self.0.lock();
        state.deadline = time.map(|time| Instant::now() + time);
        state.in_transfer = in_transfer;
        state.stalled = false;
        self.0.changed.notify_all();
    }

    /// Whether the data connection was shut at the deadline, and the control connection has its last word now.
    pub(super) fn is_stalled(&self) -> bool {
        self.0.lock().stalled
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
    /// What happens at the deadline.
    fn expire(&mut self) {
        self.deadline = None;
        if self.in_transfer && !self.over {
            self.in_transfer = false;
            self.stalled = true;
            self.deadline = Some(Instant::now() + LAST_WORD);
            for data in self.sockets.iter().skip(1) {
                // One that is closed already is what we want.
                let _ = data.shutdown(Shutdown::Both);
            }
        } else {
            self.silent = true;
            self.cut();
        }
    }

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
                state.expire();
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
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use super::*;

    /// A connection, and its other end.
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (ours, listener.accept().unwrap().0)
    }

    #[test]
    fn a_read_that_waits_for_a_silent_peer_ends_at_the_deadline_and_so_does_every_later_one() {
        let (mut socket, _peer) = pair();
        let link = Link::new().unwrap();
        link.holder().hold(&socket, 0).unwrap();
        link.within(Duration::from_millis(20));
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
        assert!(link.is_over() && link.is_silent());
        let (mut late, _peer) = pair();
        link.holder().hold(&late, 1).unwrap();
        assert_eq!(late.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_transfer_that_stands_still_leaves_the_control_connection_its_last_word() {
        let ((mut control, mut server), (mut data, _peer)) = (pair(), pair());
        let link = Link::new().unwrap();
        link.holder().hold(&control, 0).unwrap();
        link.holder().hold(&data, 1).unwrap();
        server.write_all(b"452").unwrap();
        link.within_transfer(Duration::from_millis(20));
        assert_eq!(data.read(&mut [0]).unwrap(), 0);
        assert!(link.is_stalled() && !link.is_over());
        let mut said = Vec::new();
        assert_eq!(control.read_to_end(&mut said).unwrap(), 3);
        assert_eq!(said, b"452");
        assert!(link.is_over() && link.is_silent());
    }
}
