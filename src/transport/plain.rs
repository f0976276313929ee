//! Files of this machine in folders where others write, too: opened as what they are, never through a link and never waiting
//! at a pipe, and named without taking another's place.
//!
//! What is meant is the file itself: the folders that lead to it may be links, as its administrator has laid them.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};

/// Follows no link, and waits for no other end of a pipe.
const STRAIGHT: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;

/// Opens a plain file to be read. Fails where it is anything else.
pub fn read(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(STRAIGHT).open(path);
    only_plain(file?)
}

/// Opens a plain file to be written further. Fails where it is anything else.
pub fn extend(path: &Path) -> io::Result<File> {
    let file = File::options()
        .write(true)
        .custom_flags(STRAIGHT)
        .open(path);
    only_plain(file?)
}

/// Makes a file anew: whatever bore its name is taken away, itself and not what it leads to.
pub fn anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => File::options().write(true).create_new(true).open(path),
    }
}

fn only_plain(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a plain file")),
    }
}

/// Gives a file another name, never that of another file (`AlreadyExists`).
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Network file systems may not know the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => by_link(from, to),
        done => Ok(done?),
    }
}

/// A link is never made over a file. Where there are no links either, a look before is all that can be done.
fn by_link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// Makes the name of a file durable.
pub fn sync_folder_of(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
