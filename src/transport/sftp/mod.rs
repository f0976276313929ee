//! SFTP by libssh2.
//!
//! | file | gives |
//! |---|---|
//! | `algorithms` | what we agree to; everything weak is left out |
//! | `hostkey` | whether the server's key is one that we know |
//! | `known_hosts` | the file in OpenSSH's form |
//! | `wire` | the connection: every wait ends at the depot's timeout |
//! | `login` | password, key, agent |
//! | `pump` | reading and writing with many requests in flight |
//! | `faults` | what went wrong, in the house's words |
//!
//! The library runs without blocking, and every wait is ours (`wire`): its own timeout is per packet and adds up. A connection
//! that fell silent is shut at the socket, before the library has a chance to wait for it once more.

mod algorithms;
mod faults;
mod hostkey;
mod known_hosts;
mod login;
mod pump;
mod wire;

use std::{
    io::Read,
    path::Path,
    time::{Duration, Instant},
};

use ssh2::{FileStat, OpenFlags, OpenType, RenameFlags};

use self::{faults::Tried, wire::Wire};
use super::{Listed, MOST_LISTED, Session, Sink, path};
use crate::{
    config::depots,
    kernel::fault::{Code, Fault, Result},
};

/// The mode of files that we make; the server's own mask takes from it.
const MODE: i32 = 0o644;

/// A connection that is logged in.
pub struct Sftp {
    sftp: ssh2::Sftp,
    wire: Wire,
    agreed: Vec<(String, String)>,
}

/// Whether its key can be told once it shows one: what the settings and their files say of it.
///
/// Fails with `configuration`, or with `host-key-refused` where they know no key of this server.
pub fn knows_its_server(settings: &depots::Sftp) -> Result<()> {
    hostkey::Pins::read(settings).map(drop)
}

/// Connects, compares the server's key, logs in: all of it within `timeout`, and any silence later on is no longer.
pub fn connect(settings: &depots::Sftp, timeout: Duration) -> Result<Sftp> {
    let pins = hostkey::Pins::read(settings)?;
    let end = Instant::now() + timeout;
    let (wire, key) = hostkey::meet(settings, &pins, timeout, end)?;
    let agreed = algorithms::agreed(wire.session(), &key);
    login::log_in(&wire, settings)?;
    let sftp = wire.run(|session| session.sftp());
    let sftp = sftp.map_err(|tried| tried.fault("sftp"))?;
    wire.has_connected();
    Ok(Sftp { sftp, wire, agreed })
}

impl Session for Sftp {
    fn list(&mut self, folder: &str) -> Result<Vec<Listed>> {
        let folder = here(folder);
        let mut open = self.verb(|sftp| sftp.opendir(folder))?;
        let mut files = Vec::new();
        let read = loop {
            match self.wire.run(|_| next(&mut open)) {
                Ok(Some((name, stat))) => files.extend(self.described(folder, name, stat)),
                Ok(None) => break Ok(()),
                Err(tried) => break Err(tried.fault("readdir")),
            }
            if files.len() == MOST_LISTED {
                break Ok(());
            }
        };
        let closed = self.close(open);
        read.and(closed).map(|()| files)
    }

    fn stat(&mut self, path: &str) -> Result<Option<Listed>> {
        match self.wire.run(|_| self.sftp.lstat(Path::new(path))) {
            Ok(stat) => Ok(plain(path::split(path).1, &stat)),
            Err(tried) if tried.is_missing() => Ok(None),
            Err(tried) => Err(tried.fault("stat")),
        }
    }

    fn read(&mut self, path: &str, from: u64, sink: Sink<'_>) -> Result<u64> {
        let mut file = self.verb(|sftp| sftp.open(path))?;
        let read = pump::read(&self.wire, &mut file, from, sink);
        let closed = self.close(file);
        let read = read?;
        closed.map(|()| read)
    }

    fn write(&mut self, path: &str, from: u64, source: &mut dyn Read) -> Result<u64> {
        let flags = match from {
            0 => OpenFlags::WRITE | OpenFlags::TRUNCATE,
            _ => OpenFlags::WRITE,
        };
        let mut file = self.verb(|sftp| sftp.open_mode(path, flags, MODE, OpenType::File))?;
        let written = pump::write(&self.wire, &mut file, from, source);
        let closed = self.close(file);
        let written = written?;
        closed.map(|()| written)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        // Version 3 of the protocol, which everybody speaks, has no flags; some servers replace what is there.
        let exists = || {
            let detail = "Un autre fichier porte déjà ce nom sur le dépôt.";
            Fault::new(Code::DepotFileExists, detail)
        };
        if self.is_there(to)? {
            return Err(exists());
        }
        let (source, target) = (Path::new(from), Path::new(to));
        let flags = Some(RenameFlags::empty());
        let renamed = self.verb(|sftp| sftp.rename(source, target, flags));
        match renamed {
            // Somebody made it in between.
            Err(fault) if fault.code() == Code::DepotRefused && self.is_there(to)? => Err(exists()),
            done => done,
        }
    }

    fn remove(&mut self, path: &str) -> Result<()> {
        self.verb(|sftp| sftp.unlink(Path::new(path)))
    }

    fn agreed(&self) -> Vec<(String, String)> {
        self.agreed.clone()
    }

    fn is_open(&self) -> bool {
        self.wire.is_open()
    }
}

impl Sftp {
    /// One request and its answer.
    fn verb<T>(&self, ask: impl Fn(&ssh2::Sftp) -> Result<T, ssh2::Error>) -> Result<T> {
        let done = self.wire.run(|_| ask(&self.sftp));
        done.map_err(|tried| tried.fault("request"))
    }

    fn close(&self, mut file: ssh2::File) -> Result<()> {
        let closed = self.wire.run(|_| file.close());
        closed.map_err(|tried| tried.fault("close"))
    }

    /// Whether anything has this name, a folder or a link included.
    fn is_there(&self, path: &str) -> Result<bool> {
        match self.wire.run(|_| self.sftp.lstat(Path::new(path))) {
            Ok(_) => Ok(true),
            Err(tried) if tried.is_missing() => Ok(false),
            Err(tried) => Err(tried.fault("stat")),
        }
    }

    /// A plain file with a name that concerns us; a server that tells a name only is asked for the rest.
    fn described(&mut self, folder: &str, name: String, stat: FileStat) -> Option<Listed> {
        let whole = path::join(folder, &name).ok()?;
        if path::is_hidden(&name) {
            return None;
        }
        match stat.perm.is_some() && stat.size.is_some() {
            true => plain(&name, &stat),
            false => self.stat(&whole).ok().flatten(),
        }
    }
}

/// The next entry of a folder; a name that is not UTF-8 is nobody's.
fn next(open: &mut ssh2::File) -> Result<Option<(String, FileStat)>, ssh2::Error> {
    match open.readdir() {
        Ok((name, stat)) => {
            let name = name.into_os_string().into_string();
            // An empty name is passed over like a hidden one.
            Ok(Some((name.unwrap_or_else(|_| ".".to_owned()), stat)))
        }
        Err(error) if faults::is_end(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn plain(name: &str, stat: &FileStat) -> Option<Listed> {
    let seconds = i64::try_from(stat.mtime.unwrap_or(0)).unwrap_or(0);
    stat.is_file().then(|| Listed {
        name: name.to_owned(),
        size: stat.size.unwrap_or(0),
        modified: seconds.saturating_mul(1_000_000),
    })
}

fn here(folder: &str) -> &str {
    match folder {
        "" => ".",
        folder => folder,
    }
}

impl Drop for Sftp {
    fn drop(&mut self) {
        // Before the library's own parting, which would wait for the other end.
        self.wire.hang_up();
    }
}

impl std::fmt::Debug for Sftp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sftp")
            .field("agreed", &self.agreed)
            .finish_non_exhaustive()
    }
}

/// A request that failed, as the wire tells it.
type Asked<T> = Result<T, Tried>;
