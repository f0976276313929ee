//! Reading a file that was listed, and only that one: after a cut it goes on where the sink stands, if size and date are
//! still the same; else the caller is told to start again.

use super::{
    Line, Listed, Session, Sink,
    line::{Patience, is_cut},
};
use crate::kernel::fault::{Code, Fault, Result};

/// Reads the file at `path` from byte `from` (what an earlier try kept) to its end, over one session; answers how many bytes
/// went to `sink`. Where all of it was kept, nothing is read.
///
/// Fails with `depot-file-changed` where it is not the file that was `listed`, before or after: what the sink took is of no
/// use then; with `transfer-cut` where it is and not all of it came.
pub fn download(
    session: &mut dyn Session,
    path: &str,
    listed: &Listed,
    from: u64,
    sink: Sink<'_>,
) -> Result<u64> {
    unchanged(session, path, listed)?;
    if from > 0 && from == listed.size {
        return Ok(0);
    }
    let taken = session.read(path, from, sink)?;
    if from + taken == listed.size {
        return Ok(taken);
    }
    unchanged(session, path, listed)?;
    let cause = format!("{} bytes came of {}", from + taken, listed.size);
    Err(super::pace::cut(cause))
}

/// The same over a line, which is connected again after a cut, a few times as long as nothing comes.
pub fn download_over(
    line: &mut Line,
    path: &str,
    listed: &Listed,
    from: u64,
    sink: Sink<'_>,
) -> Result<u64> {
    let (mut patience, mut taken) = (Patience::new(), 0);
    loop {
        let (before, mut broken) = (taken, false);
        let tried = line.with(|session| {
            download(session, path, listed, from + before, &mut |bytes| {
                let kept = sink(bytes);
                broken = kept.is_err();
                taken += bytes.len() as u64;
                kept
            })
        });
        match tried {
            Err(fault) if is_cut(&fault) && !broken => patience.bear(fault, taken > before)?,
            done => return done.map(|_| taken),
        }
    }
}

fn unchanged(session: &mut dyn Session, path: &str, listed: &Listed) -> Result<()> {
    let now = session.stat(path)?;
    match now {
        Some(now) if now.size == listed.size && now.modified == listed.modified => Ok(()),
        Some(_) => Err(Fault::new(
            Code::DepotFileChanged,
            "Le fichier a changé sur le dépôt : il sera repris du début.",
        )),
        None => Err(Fault::new(
            Code::DepotFileMissing,
            "Le fichier n'est plus sur le dépôt.",
        )),
    }
}
