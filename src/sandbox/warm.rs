//! One child seen from the parent.

use std::{fs, io, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use rustix::{pipe::fcntl_setpipe_size, process::Signal};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

use super::protocol::{self, Confinement, Question, Ready};
use crate::{
    domain::processing::{Document, Inspection},
    kernel::fault::{Code, Fault, Result},
};

/// The room of the pipe to a child.
const PIPE_BYTES: usize = 256 * 1024;

/// How many deadlines a child that is ready to run, and gets no processor, is waited for.
const PATIENCE: u32 = 60;

/// A child that waits for questions.
pub(super) struct Warm {
    process: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    deadline: Duration,
    /// How many documents it has answered.
    pub served: u32,
}

/// How a child ended instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// The deadline, or its processor time.
    OutOfTime,
    /// The document: memory, stack, a reader's crash.
    Overpowered,
    /// Somebody else killed it.
    Killed,
}

impl Warm {
    /// Makes a started process ready: it confines itself and says so. `deadline` is for each document.
    pub async fn greet(
        mut process: Child,
        confinement: Confinement,
        deadline: Duration,
    ) -> io::Result<Self> {
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(io::Error::other("a child without its pipes"));
        };
        // A whole everyday document fits: one write, one wake-up of the child. Where the system refuses, it takes a few more.
        let _ = fcntl_setpipe_size(&stdin, PIPE_BYTES);
        let mut warm = Self {
            process,
            stdin,
            stdout,
            deadline,
            served: 0,
        };
        warm.confine(confinement).await?;
        Ok(warm)
    }

    /// Its process id, until its end was seen.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Whether it still runs, as far as the kernel tells.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Puts one document to it. The outer fault is ours (the document's bytes); the inner error is the child's end.
    pub async fn ask(
        &mut self,
        inspector: &str,
        document: &Document,
    ) -> Result<std::result::Result<Inspection, Death>> {
        let answer = match self.tell(inspector, document).await? {
            Ok(()) => self.answer().await,
            // The answer to come is how it ended.
            Err(stopped) => Err(stopped),
        };
        self.served += 1;
        Ok(match answer {
            Ok(inspection) => Ok(inspection),
            Err(Stopped::Late) => Err(Death::OutOfTime),
            Err(Stopped::Starved) => return Err(starved()),
            Err(Stopped::Broken) => Err(self.death().await),
        })
    }

    async fn confine(&mut self, confinement: Confinement) -> io::Result<()> {
        self.stdin
            .write_all(&protocol::frame(&confinement)?)
            .await?;
        let Ready {} = protocol::receive_async(&mut self.stdout).await?;
        Ok(())
    }

    /// Sends question and bytes. The deadline runs only while the child does not take them: a slow store is ours.
    async fn tell(
        &mut self,
        inspector: &str,
        document: &Document,
    ) -> Result<std::result::Result<(), Stopped>> {
        let question = Question {
            inspector: inspector.to_owned(),
            length: document.size,
        };
        let header = protocol::frame(&question).map_err(Fault::internal)?;
        if let Err(stopped) = self.write(&header).await {
            return Ok(Err(stopped));
        }
        let mut content = document.content.open();
        let mut missing = document.size;
        while let Some(chunk) = content.next().await {
            missing = remaining(missing, &chunk)?;
            if let Err(stopped) = self.write(&chunk?).await {
                return Ok(Err(stopped));
            }
        }
        whole(missing).map(Ok)
    }

    async fn write(&mut self, bytes: &[u8]) -> std::result::Result<(), Stopped> {
        let turn = self.turn();
        turn.within(self.stdin.write_all(bytes)).await
    }

    async fn answer(&mut self) -> std::result::Result<Inspection, Stopped> {
        let turn = self.turn();
        turn.within(protocol::receive_async(&mut self.stdout)).await
    }

    fn turn(&self) -> Turn {
        Turn {
            process: self.process_id(),
            deadline: self.deadline,
        }
    }

    async fn death(&mut self) -> Death {
        match timeout(self.deadline, self.process.wait()).await {
            Ok(Ok(status)) => cause(status),
            // It closed its pipes, or sent nonsense, and still runs: it is not ours any more.
            _ => Death::Overpowered,
        }
    }
}

/// Why a pipe gave no more.
enum Stopped {
    Late,
    /// It was ready all the time, and the machine left it no processor.
    Starved,
    Broken,
}

/// A child's turn to do something. A busy machine says nothing of a document: the deadline begins anew as long as the child is
/// ready to run. What it uses of the processor is limited besides ([`Death::OutOfTime`]).
struct Turn {
    process: Option<u32>,
    deadline: Duration,
}

impl Turn {
    async fn within<T>(
        &self,
        work: impl Future<Output = io::Result<T>>,
    ) -> std::result::Result<T, Stopped> {
        let (mut work, mut idle) = (std::pin::pin!(work), false);
        for _ in 0..PATIENCE {
            if let Ok(done) = timeout(self.deadline, &mut work).await {
                return done.map_err(|_| Stopped::Broken);
            }
            // Idle once, it may have answered at this very moment: twice, it hangs.
            match (self.is_ready(), idle) {
                (true, _) => idle = false,
                (false, false) => idle = true,
                (false, true) => return Err(Stopped::Late),
            }
        }
        Err(Stopped::Starved)
    }

    /// Whether the child runs, would run, or waits for the disk: its state, behind the name in brackets.
    fn is_ready(&self) -> bool {
        let Some(process) = self.process else {
            return false;
        };
        let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        status
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with(['R', 'D']))
    }
}

fn starved() -> Fault {
    Fault::unavailable("the machine left an inspection child no processor")
}

fn cause(status: ExitStatus) -> Death {
    match status.signal().and_then(Signal::from_named_raw) {
        Some(Signal::XCPU) => Death::OutOfTime,
        Some(Signal::KILL | Signal::TERM | Signal::INT | Signal::HUP | Signal::QUIT) => {
            Death::Killed
        }
        _ => Death::Overpowered,
    }
}

fn remaining(missing: u64, chunk: &Result<Bytes>) -> Result<u64> {
    let length = chunk.as_ref().map_or(0, Bytes::len) as u64;
    missing.checked_sub(length).ok_or_else(wrong_length)
}

fn whole(missing: u64) -> Result<()> {
    match missing {
        0 => Ok(()),
        _ => Err(wrong_length()),
    }
}

fn wrong_length() -> Fault {
    Fault::new(
        Code::Corrupt,
        "Un document conservé n'a plus la longueur enregistrée.",
    )
}
