//! A connection without blocking, and the waits on it.

use std::{
    cell::Cell,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, DisconnectCode};

use super::{
    Asked,
    faults::{EAGAIN, Tried},
};
use crate::{
    kernel::fault::{Fault, Result},
    transport::net,
};

/// The connection and its library.
pub struct Wire {
    session: ssh2::Session,
    socket: TcpStream,
    timeout: Duration,
    connected_by: Cell<Option<Instant>>,
    dead: Cell<bool>,
}

impl Wire {
    /// Connects, with nothing said yet. All is to be said by `end`, until [`Wire::has_connected`] says otherwise.
    pub fn dial(host: &str, port: u16, timeout: Duration, end: Instant) -> Result<Self> {
        let socket = net::dial(host, port, end)?;
        let theirs = socket.try_clone().map_err(Fault::internal)?;
        let mut session = ssh2::Session::new().map_err(Fault::internal)?;
        session.set_tcp_stream(theirs);
        session.set_blocking(false);
        Ok(Self {
            session,
            socket,
            timeout,
            connected_by: Cell::new(Some(end)),
            dead: Cell::new(false),
        })
    }

    /// The library's end.
    pub fn session(&self) -> &ssh2::Session {
        &self.session
    }

    /// From now on each request has a timeout of its own.
    pub fn has_connected(&self) {
        self.connected_by.set(None);
    }

    fn end(&self) -> Instant {
        let own = || Instant::now() + self.timeout;
        self.connected_by.get().unwrap_or_else(own)
    }

    /// The first words, up to the keys.
    pub fn shake_hands(&mut self) -> Asked<()> {
        let end = self.end();
        loop {
            match self.session.handshake() {
                Err(error) if would_block(&error) => self.wait(end)?,
                done => return done.map_err(|error| self.tried(error)),
            }
        }
    }

    /// Asks again and again until there is an answer. At the timeout the socket is shut.
    pub fn run<T>(
        &self,
        mut ask: impl FnMut(&ssh2::Session) -> Result<T, ssh2::Error>,
    ) -> Asked<T> {
        let end = self.end();
        loop {
            match ask(&self.session) {
                Err(error) if would_block(&error) => self.wait(end)?,
                done => return done.map_err(|error| self.tried(error)),
            }
        }
    }

    /// Whether it was not shut, and the other end did not close it.
    pub fn is_open(&self) -> bool {
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        let asked = poll(&mut fds, Some(&Timespec::default()));
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        !self.dead.get() && asked.is_ok() && !fds[0].revents().intersects(gone) && !self.at_end()
    }

    /// Shuts the socket: whatever the library still wants to say or hear fails at once.
    pub fn shut(&self) {
        self.dead.set(true);
        // It may be closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Says goodbye, if that can be done without waiting, and shuts the socket.
    pub fn hang_up(&self) {
        if !self.dead.get() {
            let by = Some(DisconnectCode::ByApplication);
            let _ = self.session.disconnect(by, "done", None);
        }
        self.shut();
    }

    /// The other end said that nothing more will come.
    fn at_end(&self) -> bool {
        matches!(self.socket.peek(&mut [0]), Ok(0))
    }

    fn tried(&self, error: ssh2::Error) -> Tried {
        let mut tried = Tried::Refused(error);
        if tried.may_be_a_cut() && !self.is_open() {
            tried = Tried::Lost(tried.cause("cut"));
        }
        if tried.is_cut() {
            self.shut();
        }
        tried
    }

    fn wait(&self, end: Instant) -> Asked<()> {
        let flags = match self.session.block_directions() {
            BlockDirections::Outbound => PollFlags::OUT,
            BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
            BlockDirections::Inbound | BlockDirections::None => PollFlags::IN,
        };
        let mut fds = [PollFd::from_borrowed_fd(self.socket.as_fd(), flags)];
        let left = net::left(end);
        let patience = Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut fds, Some(&patience)) {
            Ok(0) => {
                self.shut();
                Err(Tried::Silent(self.timeout))
            }
            // An interrupted wait is begun again by the caller's loop.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => {
                self.shut();
                Err(Tried::Lost(error.to_string()))
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.hang_up();
    }
}

fn would_block(error: &ssh2::Error) -> bool {
    error.code() == ssh2::ErrorCode::Session(EAGAIN)
}
