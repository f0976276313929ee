//! Reading and writing with many requests in flight, so that a distant server is not waited for at each of them.
//!
//! The library asks for 30,000 bytes at once, and sends as many requests as the buffer that it is given has room for (reading:
//! four times as many). When writing it wants to see again what is not acknowledged yet: so the buffer is a window
//! over the source, and it slides.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use ssh2::ErrorCode;

use super::{
    Asked,
    faults::{self, Tried},
    wire::Wire,
};
use crate::{
    kernel::fault::{Code, Fault, Result},
    transport::{Sink, pace::Pace},
};

/// The buffer of a reading: 4 MiB are asked for ahead.
const READ: usize = 1024 * 1024;

/// The least of it, for small files.
const LEAST: usize = 32 * 1024;

/// The window of a writing: between half of it and all of it is in flight.
const WINDOW: usize = 4 * 1024 * 1024;

/// A disk with less than this is full.
const FULL: u64 = 1024 * 1024;

/// Reads to the end of the file.
pub fn read(wire: &Wire, file: &mut ssh2::File, from: u64, sink: Sink<'_>) -> Result<u64> {
    let size = wire
        .run(|_| file.stat())
        .map_err(|tried| tried.fault("stat"))?;
    let left = size.size.unwrap_or(u64::MAX).saturating_sub(from);
    let length = usize::try_from(left).unwrap_or(READ).clamp(LEAST, READ);
    let (mut buffer, mut total, mut pace) = (vec![0; length], 0, Pace::start());
    file.seek(SeekFrom::Start(from)).map_err(Fault::internal)?;
    loop {
        let count = wire.run(|session| told(session, file.read(&mut buffer)));
        match count.map_err(|tried| tried.fault("read"))? {
            0 => return Ok(total),
            count => {
                sink(&buffer[..count])?;
                total += count as u64;
                pace.count(count)?;
            }
        }
    }
}

/// Writes what the source still gives.
pub fn write(wire: &Wire, file: &mut ssh2::File, from: u64, source: &mut dyn Read) -> Result<u64> {
    file.seek(SeekFrom::Start(from)).map_err(Fault::internal)?;
    let (mut window, mut total, mut pace) = (Window::new(), 0, Pace::start());
    while window.fill(source).map_err(Fault::internal)? {
        match wire.run(|session| told(session, file.write(window.waiting()))) {
            Ok(count) => {
                window.slide(count);
                total += count as u64;
                pace.count(count)?;
            }
            Err(tried) => return Err(refused(wire, file, tried)),
        }
    }
    Ok(total)
}

/// A server says only that it failed; whether for want of room is asked.
fn refused(wire: &Wire, file: &mut ssh2::File, tried: Tried) -> Fault {
    let fault = tried.fault("write");
    if fault.code() != Code::DepotRefused || !is_full(wire, file).unwrap_or(false) {
        return fault;
    }
    Fault::new(Code::DepotFull, "Plus de place sur le dépôt.").because(fault)
}

fn is_full(wire: &Wire, file: &mut ssh2::File) -> Asked<bool> {
    let disk = wire.run(|_| file.statvfs())?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize) < FULL)
}

/// The library's own error again: as one of the system it keeps its text only.
fn told<T>(session: &ssh2::Session, done: io::Result<T>) -> Result<T, ssh2::Error> {
    done.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => ssh2::Error::from_errno(ErrorCode::Session(faults::EAGAIN)),
        _ => answered(&error.to_string())
            .or_else(|| ssh2::Error::last_session_error(session))
            .unwrap_or_else(ssh2::Error::unknown),
    })
}

/// What a server answered, by the text that the library has for it.
fn answered(text: &str) -> Option<ssh2::Error> {
    let mut answers =
        (0..=faults::LAST_ANSWER).map(|code| ssh2::Error::from_errno(ErrorCode::SFTP(code)));
    answers.find(|answer| answer.message() == text)
}

/// A stretch of the source: what was sent and is not acknowledged, then what was not sent.
struct Window {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl Window {
    fn new() -> Self {
        Self {
            bytes: vec![0; WINDOW],
            start: 0,
            end: 0,
            ended: false,
        }
    }

    fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn slide(&mut self, count: usize) {
        self.start += count;
    }

    /// Fills it up where half of it is done with; answers whether there is anything left to write.
    fn fill(&mut self, source: &mut dyn Read) -> io::Result<bool> {
        if !self.ended && self.waiting().len() <= WINDOW / 2 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.take(source)?;
        }
        Ok(!self.waiting().is_empty())
    }

    fn take(&mut self, source: &mut dyn Read) -> io::Result<()> {
        while self.end < WINDOW && !self.ended {
            match source.read(&mut self.bytes[self.end..]) {
                Ok(count) => {
                    self.ended = count == 0;
                    self.end += count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_again_by_its_text_and_nothing_else_is_taken_for_one() {
        for code in [1, 2, 3, 4, 11, 14] {
            let error = ssh2::Error::from_errno(ErrorCode::SFTP(code));
            let text = io::Error::from(error).to_string();
            assert_eq!(answered(&text).unwrap().code(), ErrorCode::SFTP(code));
        }
        let cut = ssh2::Error::from_errno(ErrorCode::Session(-13));
        assert!(answered(cut.message()).is_none());
    }

    #[test]
    fn a_window_shows_every_byte_in_order_whatever_is_acknowledged_at_once() {
        let source: Vec<u8> = (0..3 * WINDOW + 17).map(|at| (at % 251) as u8).collect();
        for step in [30_000, WINDOW, 1_000_003] {
            let (mut window, mut rest, mut seen) = (Window::new(), &source[..], Vec::new());
            while window.fill(&mut rest).unwrap() {
                let shown = window.waiting();
                let count = step.min(shown.len());
                seen.extend_from_slice(&shown[..count]);
                window.slide(count);
            }
            assert!(seen == source, "step {step}");
        }
    }
}
