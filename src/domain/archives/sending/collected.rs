//! A file of acknowledgment on its depot: its first bytes, its signature, and its leaving with what came beside it.

use super::{acknowledgment::LONGEST, collect::Flowing};
use crate::{
    config::depots::Then,
    kernel::fault::{Code, Result},
    transport::{Listed, Session, path},
};

impl Flowing<'_> {
    /// The file's first bytes, and its signature where the partner signs; nothing while that is not there, or the file is
    /// gone.
    pub(super) async fn read(&self, file: &Listed) -> Result<Option<(Vec<u8>, Option<Vec<u8>>)>> {
        let source = path::join(&self.flow.path, &file.name)?;
        let signature = self.acks.signature.as_ref();
        let signature = signature.map(|suffix| format!("{source}{suffix}"));
        let read = self.lines.with(&self.depot.name, move |line| {
            line.with(|session| {
                let Some(body) = first_bytes(session, &source)? else {
                    return Ok(None);
                };
                let Some(signature) = signature else {
                    return Ok(Some((body, None)));
                };
                Ok(first_bytes(session, &signature)?.map(|signed| (body, Some(signed))))
            })
        });
        read.await
    }

    /// The file goes where its flow says, with what came beside it.
    pub(super) async fn have_leave(&self, file: &Listed) -> Result<()> {
        let source = path::join(&self.flow.path, &file.name)?;
        let marker = self.acks.complete.marker().map(str::to_owned);
        let beside = [self.acks.signature.clone(), marker];
        let beside: Vec<String> = beside.into_iter().flatten().collect();
        let (then, name) = (self.acks.then.clone(), file.name.clone());
        let left = self.lines.with(&self.depot.name, move |line| {
            line.with(|session| {
                leave(session, &source, &then, &name)?;
                for suffix in &beside {
                    leave(
                        session,
                        &format!("{source}{suffix}"),
                        &then,
                        &format!("{name}{suffix}"),
                    )?;
                }
                Ok(())
            })
        });
        left.await
    }
}

/// The first bytes of a file, one more than is kept; nothing where it is gone.
fn first_bytes(session: &mut dyn Session, source: &str) -> Result<Option<Vec<u8>>> {
    let Some(found) = session.stat(source)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    if found.size > LONGEST {
        return Ok(Some(bytes));
    }
    session.read(source, 0, &mut |piece| {
        let room = (LONGEST as usize + 1).saturating_sub(bytes.len());
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        Ok(())
    })?;
    Ok(Some(bytes))
}

/// One that is gone has left (what is missing may be the folder that it goes to); one whose name is taken where it should go is of no more use.
fn leave(session: &mut dyn Session, source: &str, then: &Then, name: &str) -> Result<()> {
    let left = match then {
        Then::Delete => session.remove(source),
        Then::Move(folder) => session.rename(source, &path::join(folder, name)?),
    };
    match left {
        Err(fault) if fault.code() == Code::DepotFileMissing => match session.stat(source)? {
            Some(_) => Err(fault),
            None => Ok(()),
        },
        Err(fault) if fault.code() == Code::DepotFileExists => session.remove(source),
        done => done,
    }
}
