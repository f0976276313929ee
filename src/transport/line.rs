//! A line to a depot: its connection is made when a verb needs it, and made again after a cut.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Session, connect};
use crate::{
    config::Depot,
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
    },
};

/// The pause before the first try after a cut; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A line to a depot, for one user at a time.
pub struct Line {
    depot: Arc<Depot>,
    clock: Clock,
    session: Option<Box<dyn Session>>,
}

/// A transfer's patience with a line: how long nothing got through, and the next pause.
#[derive(Debug)]
pub(super) struct Patience {
    since: Instant,
    tried: Instant,
    pause: Duration,
}

/// How long a transfer tries again while nothing gets through. With the longest silence of a server, which may come on top
/// of it, a black hole is left within a minute.
const PATIENCE: Duration = Duration::from_secs(15);

impl Line {
    /// A line that is not connected yet.
    pub fn new(depot: Arc<Depot>, clock: Clock) -> Self {
        Self {
            depot,
            clock,
            session: None,
        }
    }

    /// The depot at its other end.
    pub fn depot(&self) -> &Arc<Depot> {
        &self.depot
    }

    /// The session: the one that is open, or a new one. Fails like [`connect`].
    pub fn session(&mut self) -> Result<&mut dyn Session> {
        let open = self.session.take().filter(|session| session.is_open());
        let session = match open {
            Some(session) => session,
            None => connect(&self.depot, &self.clock)?,
        };
        Ok(self.session.insert(session).as_mut())
    }

    /// Runs one verb, or several. After a cut the line is hung up: the next verb connects anew.
    pub fn with<T>(&mut self, act: impl FnOnce(&mut dyn Session) -> Result<T>) -> Result<T> {
        let done = act(self.session()?);
        if let Err(fault) = &done
            && is_cut(fault)
        {
            self.hang_up();
        }
        done
    }

    /// Closes the connection, if there is one.
    pub fn hang_up(&mut self) {
        self.session = None;
    }
}

/// Whether a fault is of the connection: its session is of no more use, and another may succeed.
pub fn is_cut(fault: &Fault) -> bool {
    matches!(fault.code(), Code::TransferCut | Code::DepotUnreachable)
}

/// Whether a fault is of the depot as a whole, so that another verb would fail as this one did: there is no connection, or none
/// that is let in.
pub fn is_of_the_depot(fault: &Fault) -> bool {
    is_cut(fault)
        || matches!(
            fault.code(),
            Code::HostKeyRefused
                | Code::DepotCertificateRefused
                | Code::DepotInsecure
                | Code::DepotLoginRefused
                | Code::Configuration
        )
}

impl Patience {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            since: now,
            tried: now,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits before another try, or answers the fault where there was enough of them, or another one cannot help.
    pub(super) fn bear(&mut self, fault: Fault, progress: bool) -> Result<()> {
        // A silence was waited for already, and is not waited for again.
        let silent = fault.code() == Code::DepotUnreachable && self.tried.elapsed() > PATIENCE;
        if progress {
            *self = Self::new();
        }
        if silent || !is_cut(&fault) || self.since.elapsed() + self.pause > PATIENCE {
            return Err(fault);
        }
        thread::sleep(self.pause);
        self.pause *= 2;
        self.tried = Instant::now();
        Ok(())
    }
}
