//! An archive's receipt and its signature, left on the depot under one name: the archive's own, or, beside those of an earlier
//! archive of it, a marked one.

use super::super::spool::{ours, small};
use crate::{
    kernel::{
        failpoint,
        fault::{Code, Result},
    },
    transport::{Session, path, upload},
};

/// What the names of the two files of a receipt end with.
const JSON: &str = ".json";
const SIGNATURE: &str = ".p7s";

/// What a transport calls a transfer.
pub(super) type About = Vec<(String, String)>;

/// What is to be left.
pub(super) struct Receipt {
    /// Where.
    pub(super) folder: String,
    /// The archive's name.
    pub(super) name: String,
    /// The receipt.
    pub(super) body: Vec<u8>,
    /// Its signature.
    pub(super) cms: Vec<u8>,
    /// What tells it from that of an earlier archive of the same name.
    pub(super) mark: String,
}

impl Receipt {
    /// Leaves both files under the first name that both can have; answers what the transport calls their transfers.
    pub(super) fn leave(&self, session: &mut dyn Session) -> Result<[About; 2]> {
        let own = path::receipt(&self.name, None);
        let marked = path::receipt(&self.name, Some(&self.mark));
        if self.is_free(session, &own)? {
            match self.put_both(session, &own) {
                // Taken meanwhile, or by what is no plain file.
                Err(fault) if fault.code() == Code::DepotFileExists => {}
                done => return done,
            }
        }
        self.put_both(session, &marked)
    }

    /// Whether nothing else than our two files stands under a name.
    fn is_free(&self, session: &mut dyn Session, stem: &str) -> Result<bool> {
        for (ending, bytes) in [(JSON, &self.body), (SIGNATURE, &self.cms)] {
            let path = path::join(&self.folder, &format!("{stem}{ending}"))?;
            let size = bytes.len() as u64;
            let is_ours = match session.stat(&path)? {
                Some(there) if there.size != size => false,
                Some(_) => small(session, &path, size)?.is_none_or(|there| there == *bytes),
                None => true,
            };
            if !is_ours {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put_both(&self, session: &mut dyn Session, stem: &str) -> Result<[About; 2]> {
        let receipt = self.put(session, &format!("{stem}{JSON}"), &self.body)?;
        failpoint::hit("depot.after-receipt");
        let signature = self.put(session, &format!("{stem}{SIGNATURE}"), &self.cms)?;
        failpoint::hit("depot.after-signature");
        Ok([receipt, signature])
    }

    fn put(&self, session: &mut dyn Session, name: &str, bytes: &[u8]) -> Result<About> {
        let (mut source, size) = ours(bytes.to_vec());
        upload(session, &self.folder, name, &mut source, size)?;
        session.about(&path::join(&self.folder, name)?)
    }
}
