//! Files over a data connection, there and back.
//!
//! A server that cannot go on says why on the control connection, and what stands between us may keep the data connection
//! open all the same: bytes are taken no more, and nothing breaks. So whoever waits to write looks there from time to time,
//! and whoever waited in vain looks there before he reports a silence.

use std::{
    io::{self, ErrorKind, Read, Write},
    time::Duration,
};

use suppaftp::{FtpError, FtpResult, TransferStream};

use super::{
    super::{Sink, pace, path},
    Ftps, Secured, has_spoken,
    link::{LAST_WORD, STRIDE},
    listing::is_home,
    reply,
};
use crate::kernel::fault::{Code, Fault, Result};

/// Bytes that are read or written at once.
const BLOCK: usize = 256 * 1024;

/// How long a write waits before whoever writes looks at the control connection.
const GLANCE: Duration = Duration::from_millis(500);

/// How a transfer that did not come to its end broke off.
pub(super) enum Broken {
    /// By a fault of the caller's: its source, or its sink.
    Caller(Fault),
    /// By the connection.
    Line(io::Error),
}

impl Ftps {
    /// Reads a file from byte `from` to its end: every byte that the server announced, its goodbye, and its word for it.
    pub(super) fn fetch(&mut self, path: &str, from: u64, sink: Sink<'_>) -> Result<u64> {
        let announced = self.described(path)?.ok_or_else(reply::missing)?.size;
        let offset = usize::try_from(from).map_err(Fault::internal)?;
        self.command(|stream| stream.resume_transfer(offset))?;
        let mut data = self.open(|stream| stream.retr_as_stream(path))?;
        let (taken, broken) = self.pump_in(&mut data, sink);
        self.settle(data, broken)?;
        match from + taken == announced {
            true => Ok(taken),
            false => Err(pace::cut(format!(
                "{} bytes came of {announced}",
                from + taken
            ))),
        }
    }

    /// Writes what `source` still gives at byte `from`; done only where the server says so *and* the size is right.
    pub(super) fn store(&mut self, path: &str, from: u64, source: &mut dyn Read) -> Result<u64> {
        if from > 0 && self.size(path)? != from {
            let detail = "Le fichier a changé sur le dépôt : il sera envoyé de nouveau.";
            return Err(Fault::new(Code::DepotFileChanged, detail));
        }
        self.dates.remove(path);
        if from == 0 && self.described(path)?.is_some() {
            // ProFTPD writes over nothing by default.
            self.command(|stream| stream.rm(path))?;
        }
        let opened = match from {
            0 => self.open(|stream| stream.put_with_stream(path)),
            // Servers refuse a restarted STOR where they take an APPE.
            _ => self.open(|stream| stream.append_with_stream(path)),
        };
        let mut data = opened.map_err(|fault| self.or_homeless(path, fault))?;
        come_back_from_waiting(&data);
        let (written, broken) = self.pump_out(&mut data, source);
        self.settle(data, broken)?;
        let size = self.size(path)?;
        match size == from + written {
            true => Ok(written),
            false => Err(pace::cut(format!(
                "{size} bytes there of {}",
                from + written
            ))),
        }
    }

    fn size(&mut self, path: &str) -> Result<u64> {
        self.command(|stream| stream.size(path))
            .map(|size| size as u64)
    }

    /// Opens a data connection. A server that refuses the TLS session on it says why on the control connection, after that
    /// the session is out of step and of no more use.
    pub(super) fn open(
        &mut self,
        act: impl FnOnce(&mut super::Stream) -> FtpResult<TransferStream<Secured>>,
    ) -> Result<TransferStream<Secured>> {
        self.link.within(self.patience);
        match act(&mut self.stream) {
            Ok(data) => {
                self.link.within_transfer(self.patience);
                Ok(data)
            }
            Err(FtpError::SecureError(cause)) => {
                // The answer to what was asked comes before the answer to this.
                let said = self.stream.noop();
                let fault = match said {
                    Err(error @ FtpError::UnexpectedResponse(_)) => reply::fault(&error),
                    _ => pace::cut(cause),
                };
                match self.lost(pace::cut("a data connection was refused")) {
                    silence if silence.code() == Code::DepotUnreachable => Err(silence),
                    _ => Err(fault),
                }
            }
            Err(error) => Err(self.told(&error)),
        }
    }

    /// A refusal that does not say why, where the reason is that there is no such folder.
    fn or_homeless(&mut self, file: &str, refusal: Fault) -> Fault {
        let doubted = refusal.code() == Code::DepotDenied;
        match doubted && matches!(self.is_folder(path::split(file).0), Ok(false)) {
            true => reply::missing(),
            false => refusal,
        }
    }

    /// Whether there is such a folder; we stay where we are.
    pub(super) fn is_folder(&mut self, folder: &str) -> Result<bool> {
        if is_home(folder) {
            return Ok(true);
        }
        let home = self.home.clone();
        match self.command(|stream| stream.cwd(folder)) {
            Ok(()) => self.command(|stream| stream.cwd(&home)).map(|()| true),
            Err(fault)
                if fault.code() == Code::TransferCut || fault.code() == Code::DepotUnreachable =>
            {
                Err(fault)
            }
            Err(_) => Ok(false),
        }
    }

    fn pump_in(
        &mut self,
        data: &mut TransferStream<Secured>,
        sink: Sink<'_>,
    ) -> (u64, Option<Broken>) {
        let (mut block, mut total) = (vec![0; BLOCK], 0);
        let mut stride = Stride::default();
        loop {
            match data.read(&mut block) {
                Ok(0) => return (total, None),
                Ok(count) => {
                    if let Err(fault) = sink(&block[..count]) {
                        return (total, Some(Broken::Caller(fault)));
                    }
                    total += count as u64;
                    self.advance(&mut stride, count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (total, Some(Broken::Line(error))),
            }
        }
    }

    fn pump_out(
        &mut self,
        data: &mut TransferStream<Secured>,
        source: &mut dyn Read,
    ) -> (u64, Option<Broken>) {
        let (mut block, mut total) = (vec![0; BLOCK], 0);
        let mut stride = Stride::default();
        loop {
            let count = match source.read(&mut block) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return (total, Some(Broken::Caller(Fault::internal(error)))),
            };
            if let Err(error) = self.push(data, &block[..count]) {
                return (total, Some(Broken::Line(error)));
            }
            total += count as u64;
            self.advance(&mut stride, count);
        }
        let flushed = self.patiently(|| data.flush());
        (total, flushed.err().map(Broken::Line))
    }

    /// Writes all of it.
    fn push(&self, data: &mut TransferStream<Secured>, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = self.patiently(|| match data.write(bytes) {
                // The library holds as much as it may.
                Ok(0) => Err(ErrorKind::WouldBlock.into()),
                done => done,
            });
            bytes = &bytes[taken?..];
        }
        Ok(())
    }

    /// Tries again as long as nobody takes what is written: until the link's deadline, or until the server says something.
    fn patiently<T>(&self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match act() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_wait(&error) && !has_spoken(&self.stream.get_ref()) => {}
                done => return done,
            }
        }
    }

    /// Counts bytes; after each stride of them the wait begins anew.
    fn advance(&self, stride: &mut Stride, count: usize) {
        stride.0 += count as u64;
        if stride.0 >= STRIDE {
            stride.0 = 0;
            self.link.within_transfer(self.patience);
        }
    }

    /// Closes the data connection and asks the control connection how it went, which knows better than a broken pipe.
    pub(super) fn settle(
        &mut self,
        data: TransferStream<Secured>,
        broken: impl Into<Option<Broken>>,
    ) -> Result<()> {
        if self.link.is_over() {
            drop(data);
            return Err(self.lost(pace::cut("shut meanwhile")));
        }
        // Where it stood still until the deadline there was enough waiting: what there is to say was said.
        self.link.within(match self.link.is_stalled() {
            true => LAST_WORD,
            false => self.patience,
        });
        let broken = broken.into();
        if matches!(broken, Some(Broken::Caller(_))) {
            // Half a file must not be taken for a whole one: no goodbye, no reply awaited.
            self.link.cut();
        }
        let said = data.finish();
        self.link.at_rest();
        match (broken, said) {
            (None, Ok(())) => Ok(()),
            (Some(Broken::Caller(fault)), _) => Err(fault),
            (_, Err(error @ FtpError::UnexpectedResponse(_))) => Err(self.told(&error)),
            (Some(Broken::Line(error)), _) => Err(self.lost(pace::cut(error))),
            (None, Err(error)) => Err(self.told(&error)),
        }
    }
}

/// Has a write that nobody takes come back from time to time; the TLS library reads where it cannot write. Where this cannot be
/// set, the link's deadline ends the waiting.
fn come_back_from_waiting(data: &TransferStream<Secured>) {
    let socket = data.get_ref().get_ref();
    let _ = socket.set_write_timeout(Some(GLANCE));
    let _ = socket.set_read_timeout(Some(GLANCE));
}

/// Whether nothing was taken for as long as one look at the control connection waits.
fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Bytes since the wait last began.
#[derive(Default)]
struct Stride(u64);
