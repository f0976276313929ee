//! The leaving of a file whose receipt stands, and of what came beside it: its marker, a gz's manifest.
//!
//! What came beside it leaves first. What outlived it would complete the sender's next file of that name while that still grows,
//! or be taken for its manifest. So where the file has left, nothing beside its place is ours any more.

use crate::{
    config::depots::{Incoming, MANIFESTS, Then},
    kernel::{
        failpoint,
        fault::{Code, Result},
    },
    transport::{Listed, Session, path},
};

/// What is to leave.
pub(super) struct Source {
    /// What its flow says of it.
    pub(super) incoming: Incoming,
    /// The flow's folder.
    pub(super) folder: String,
    /// The file as it was taken.
    pub(super) listed: Listed,
    /// Whether it was refused.
    pub(super) rejected: bool,
    /// Whether its manifest came beside it: so of a gz alone.
    pub(super) has_manifest: bool,
    /// What tells it, where it goes, from an earlier one of its name.
    pub(super) mark: String,
}

impl Source {
    /// It goes where its flow says, after what came beside it. One that is another file by now is left alone, with all that lies
    /// beside it, and taken in its turn.
    pub(super) fn leave(&self, session: &mut dyn Session) -> Result<()> {
        match session.stat(&self.beside("")?)? {
            Some(now) if self.is_same(&now) => {
                self.leave_beside(session)?;
                failpoint::hit("depot.after-beside");
                self.go(session, "")?;
            }
            Some(_) => {}
            None => self.is_gone(session)?,
        }
        failpoint::hit("depot.after-leave");
        Ok(())
    }

    fn is_same(&self, now: &Listed) -> bool {
        (now.size, now.modified) == (self.listed.size, self.listed.modified)
    }

    fn leave_beside(&self, session: &mut dyn Session) -> Result<()> {
        if let Some(marker) = self.marker()?
            && session.stat(&marker)?.is_some()
        {
            session.remove(&marker)?;
        }
        for ending in MANIFESTS.iter().filter(|_| self.has_manifest) {
            if session.stat(&self.beside(ending)?)?.is_some() {
                self.go(session, ending)?;
            }
        }
        Ok(())
    }

    /// Where its sender has taken it away himself its marker may stand. One that stood before any other file of that name came
    /// is of none.
    fn is_gone(&self, session: &mut dyn Session) -> Result<()> {
        match self.marker()? {
            Some(marker)
                if session.stat(&marker)?.is_some()
                    && session.stat(&self.beside("")?)?.is_none() =>
            {
                session.remove(&marker)
            }
            _ => Ok(()),
        }
    }

    fn marker(&self) -> Result<Option<String>> {
        let suffix = self.incoming.complete.marker();
        suffix.map(|suffix| self.beside(suffix)).transpose()
    }

    /// The path of the file beside it of that ending; without one, its own.
    fn beside(&self, ending: &str) -> Result<String> {
        path::join(&self.folder, &self.name(ending))
    }

    fn name(&self, ending: &str) -> String {
        format!("{}{ending}", self.listed.name)
    }

    fn go(&self, session: &mut dyn Session, ending: &str) -> Result<()> {
        let (from, name) = (self.beside(ending)?, self.name(ending));
        let rejected = self.incoming.rejected.as_ref().filter(|_| self.rejected);
        let target = match (&self.incoming.then, rejected) {
            (_, Some(folder)) | (Then::Move(folder), None) => folder,
            (Then::Delete, None) => return session.remove(&from),
        };
        match session.rename(&from, &path::join(target, &name)?) {
            Err(fault) if fault.code() == Code::DepotFileExists => {
                let other = path::marked(&name, &self.mark);
                session.rename(&from, &path::join(target, &other)?)
            }
            done => done,
        }
    }
}
