//! A line to a depot: its connection is made when a verb needs it, and made again after a cut.

use std::{sync::Arc, thread, time::Duration};

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

/// What stays of a transfer's patience: cuts without progress in between.
#[derive(Debug)]
pub(super) struct Patience {
    left: u32,
    pause: Duration,
}

/// How many cuts in a row a transfer bears without a byte of progress between them.
const CUTS: u32 = 3;

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

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            left: CUTS,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits before another try, or answers the fault where there was enough of them.
    pub(super) fn bear(&mut self, fault: Fault, progress: bool) -> Result<()> {
        if progress {
            *self = Self::new();
        }
        if !is_cut(&fault) || self.left == 0 {
            return Err(fault);
        }
        self.left -= 1;
        thread::sleep(self.pause);
        self.pause *= 2;
        Ok(())
    }
}
