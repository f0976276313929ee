//! Sending a file: under a temporary name, its size checked, then renamed; nobody sees half of it.
//!
//! What an earlier try left under the temporary name is taken up again: its last 64 KiB are read back and compared, and only
//! what follows is sent. So a file whose sending was cut, by the line or by the end of our process, is sent by calling again.
//!
//! A server may still be writing what it had in hand when the line was cut, while we are back already: what is there is taken
//! up only once its size stands still, or the two would write over each other.

use std::{
    io::{Read, SeekFrom},
    thread,
    time::{Duration, Instant},
};

use super::{
    Line, ReadSeek, Session,
    line::{Patience, is_cut},
    path,
};
use crate::kernel::fault::{Code, Fault, Result};

/// How much of what is there is read back before more is added.
const READ_BACK: u64 = 64 * 1024;

/// How far apart two looks are that must find the same size.
const LOOKS: Duration = Duration::from_millis(250);

/// How long an end of the writing is waited for.
const SETTLING: Duration = Duration::from_secs(10);

/// What became of a sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// How many bytes were there from earlier tries.
    pub resumed_at: u64,
    /// How many bytes were sent.
    pub sent: u64,
    /// Whether the whole file was there already, under its own name and with this content.
    pub was_there: bool,
}

/// Sends the `size` bytes of `source` to `name` in `folder`, over one session.
///
/// Fails with `depot-file-exists` where a file of this name with another content lies there, `depot-full` (nothing is left
/// there then), `transfer-cut` (call again with another session: what was sent is kept), or as the verbs do.
pub fn upload(
    session: &mut dyn Session,
    folder: &str,
    name: &str,
    source: &mut dyn ReadSeek,
    size: u64,
) -> Result<Uploaded> {
    let target = path::join(folder, name)?;
    let temporary = path::join(folder, &path::temporary(name))?;
    if let Some(there) = session.stat(&target)? {
        return already(session, &target, there.size, source, size);
    }
    let from = resumable(session, &temporary, source, size)?;
    let (from, sent) = send(session, &temporary, from, source)?;
    let arrived = size_of(session, &temporary)?;
    if from + sent != size || arrived != size {
        let cause = format!("{arrived} bytes arrived of {size}");
        return Err(super::pace::cut(cause));
    }
    session.rename(&temporary, &target)?;
    Ok(Uploaded {
        resumed_at: from,
        sent,
        was_there: false,
    })
}

/// The same over a line, which is connected again after a cut, a few times as long as nothing gets through.
pub fn upload_over(
    line: &mut Line,
    folder: &str,
    name: &str,
    source: &mut dyn ReadSeek,
    size: u64,
) -> Result<Uploaded> {
    let (mut patience, mut furthest) = (Patience::new(), 0);
    loop {
        let tried = line.with(|session| upload(session, folder, name, source, size));
        match tried {
            Err(fault) if is_cut(&fault) => {
                let reached = source.stream_position().map_err(Fault::internal)?;
                patience.bear(fault, reached > furthest)?;
                furthest = furthest.max(reached);
            }
            done => return done,
        }
    }
}

/// A file of that name is there: ours, if its content is.
fn already(
    session: &mut dyn Session,
    target: &str,
    there: u64,
    source: &mut dyn ReadSeek,
    size: u64,
) -> Result<Uploaded> {
    if there == size && is_same(session, target, 0, source)? {
        return Ok(Uploaded {
            resumed_at: size,
            sent: 0,
            was_there: true,
        });
    }
    let detail = "Un autre fichier porte déjà ce nom sur le dépôt.";
    Err(Fault::new(Code::DepotFileExists, detail))
}

/// From where the sending goes on: what is there already, if its end is what it should be.
fn resumable(
    session: &mut dyn Session,
    temporary: &str,
    source: &mut dyn ReadSeek,
    size: u64,
) -> Result<u64> {
    let there = settled(session, temporary)?;
    if there == 0 || there > size {
        return Ok(0);
    }
    match is_same(session, temporary, there.saturating_sub(READ_BACK), source)? {
        true => Ok(there),
        false => Ok(0),
    }
}

/// How much is there, once nobody adds to it any more; 0 where nothing is. Fails with `transfer-cut` where that takes too long:
/// another try may find it at rest.
fn settled(session: &mut dyn Session, temporary: &str) -> Result<u64> {
    let end = Instant::now() + SETTLING;
    let mut size = size_of(session, temporary)?;
    while size > 0 {
        thread::sleep(LOOKS);
        let now = size_of(session, temporary)?;
        if now == size {
            break;
        }
        if Instant::now() > end {
            return Err(super::pace::cut("what an earlier try left still changes"));
        }
        size = now;
    }
    Ok(size)
}

fn size_of(session: &mut dyn Session, path: &str) -> Result<u64> {
    Ok(session.stat(path)?.map_or(0, |file| file.size))
}

/// Whether a file holds, from byte `from` to its end, what `source` holds there.
fn is_same(
    session: &mut dyn Session,
    path: &str,
    from: u64,
    source: &mut dyn ReadSeek,
) -> Result<bool> {
    source
        .seek(SeekFrom::Start(from))
        .map_err(Fault::internal)?;
    let (mut same, mut ours) = (true, Vec::new());
    session.read(path, from, &mut |theirs| {
        if same {
            ours.resize(theirs.len(), 0);
            same = source.read_exact(&mut ours).is_ok() && ours == theirs;
        }
        Ok(())
    })?;
    Ok(same)
}

/// Sends what is missing; answers from where, and how many bytes.
fn send(
    session: &mut dyn Session,
    temporary: &str,
    from: u64,
    source: &mut dyn ReadSeek,
) -> Result<(u64, u64)> {
    source
        .seek(SeekFrom::Start(from))
        .map_err(Fault::internal)?;
    let mut rest: &mut dyn Read = &mut &mut *source;
    match session.write(temporary, from, &mut rest) {
        Ok(sent) => Ok((from, sent)),
        // A server that lets nothing be added to a file (ProFTPD, unless AllowStoreRestart) gets it anew.
        Err(fault) if fault.code() == Code::DepotRefused && from > 0 => {
            send(session, temporary, 0, source)
        }
        Err(fault) => {
            if fault.code() == Code::DepotFull {
                // A full disk stops everybody: what is of no use yet makes room. Where even this fails, the first fault is
                // told.
                let _ = session.remove(temporary);
            }
            Err(fault)
        }
    }
}
