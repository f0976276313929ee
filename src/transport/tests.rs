//! The rules of every transport, on a folder: what is sent is never seen half, and what was cut is taken up again.

use std::{
    fs,
    io::{Cursor, Read, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{upload::upload, *};
use crate::kernel::fault::Code;

/// A depot, and where it lies.
fn depot() -> (tempfile::TempDir, Box<dyn Session>) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("in")).unwrap();
    let settings = crate::config::depots::Folder {
        path: root.path().to_owned(),
    };
    let session = folder::open(&settings).unwrap();
    (root, Box::new(session))
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

fn send(session: &mut dyn Session, bytes: &[u8]) -> Result<Uploaded> {
    let size = bytes.len() as u64;
    upload(session, "in", "LOT.zip", &mut Cursor::new(bytes), size)
}

fn part(root: &tempfile::TempDir) -> PathBuf {
    root.path().join("in/.LOT.zip.part")
}

#[test]
fn a_file_arrives_whole_and_nothing_else_stays() {
    let (root, mut session) = depot();
    let bytes = content(3_000_000);
    let done = send(session.as_mut(), &bytes).unwrap();
    assert_eq!((done.resumed_at, done.sent), (0, 3_000_000));
    assert_eq!(fs::read(root.path().join("in/LOT.zip")).unwrap(), bytes);
    let listed = session.list("in").unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(session.stat("in/LOT.zip").unwrap().as_ref(), listed.first());
}

#[test]
fn what_an_earlier_try_left_is_taken_up_again_if_its_end_is_right() {
    let (root, mut session) = depot();
    let bytes = content(500_000);
    fs::write(part(&root), &bytes[..400_000]).unwrap();
    let done = send(session.as_mut(), &bytes).unwrap();
    assert_eq!((done.resumed_at, done.sent), (400_000, 100_000));
    assert_eq!(fs::read(root.path().join("in/LOT.zip")).unwrap(), bytes);
}

/// A depot whose server still writes, at each look, a little of what it had in hand when the line was cut.
struct Late {
    inner: Box<dyn Session>,
    part: PathBuf,
    in_hand: Vec<Vec<u8>>,
}

impl Session for Late {
    fn list(&mut self, folder: &str) -> Result<Vec<Listed>> {
        self.inner.list(folder)
    }

    fn stat(&mut self, path: &str) -> Result<Option<Listed>> {
        let found = self.inner.stat(path);
        if let Some(more) = self.in_hand.pop_if(|_| path.ends_with(".part")) {
            let mut part = fs::File::options().append(true).open(&self.part).unwrap();
            part.write_all(&more).unwrap();
        }
        found
    }

    fn read(&mut self, path: &str, from: u64, sink: Sink<'_>) -> Result<u64> {
        self.inner.read(path, from, sink)
    }

    fn write(&mut self, path: &str, from: u64, source: &mut dyn Read) -> Result<u64> {
        self.inner.write(path, from, source)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&mut self, path: &str) -> Result<()> {
        self.inner.remove(path)
    }

    fn agreed(&self) -> Vec<(String, String)> {
        self.inner.agreed()
    }
}

#[test]
fn what_a_server_still_writes_of_an_earlier_try_is_waited_for() {
    let (root, inner) = depot();
    let bytes = content(500_000);
    fs::write(part(&root), &bytes[..100_000]).unwrap();
    let in_hand = bytes[100_000..400_000].chunks(100_000);
    let mut late = Late {
        inner,
        part: part(&root),
        in_hand: in_hand.rev().map(<[u8]>::to_vec).collect(),
    };
    let done = send(&mut late, &bytes).unwrap();
    assert_eq!((done.resumed_at, done.sent), (400_000, 100_000));
    assert_eq!(fs::read(root.path().join("in/LOT.zip")).unwrap(), bytes);
}

#[test]
fn what_an_earlier_try_left_of_another_content_is_sent_anew() {
    let (root, mut session) = depot();
    let bytes = content(500_000);
    for mut left in [bytes[..400_000].to_vec(), content(700_000)] {
        if let Some(last) = left.get_mut(399_000) {
            *last ^= 1;
        }
        fs::write(part(&root), left).unwrap();
        let done = send(session.as_mut(), &bytes).unwrap();
        assert_eq!((done.resumed_at, done.sent), (0, 500_000));
        assert_eq!(fs::read(root.path().join("in/LOT.zip")).unwrap(), bytes);
        session.remove("in/LOT.zip").unwrap();
    }
}

#[test]
fn the_same_name_again_is_done_with_the_same_content_and_refused_with_another() {
    let (root, mut session) = depot();
    let bytes = content(500_000);
    send(session.as_mut(), &bytes).unwrap();
    assert!(send(session.as_mut(), &bytes).unwrap().was_there);
    let mut other = bytes.clone();
    other[0] ^= 1;
    for other in [&other[..], &bytes[..10]] {
        let refused = send(session.as_mut(), other).unwrap_err();
        assert_eq!(refused.code(), Code::DepotFileExists);
    }
    assert_eq!(fs::read(root.path().join("in/LOT.zip")).unwrap(), bytes);
    assert!(!part(&root).exists());
}

#[test]
fn a_rename_never_replaces_a_file() {
    let (root, mut session) = depot();
    for name in ["in/a", "in/b"] {
        fs::write(root.path().join(name), name).unwrap();
    }
    let refused = session.rename("in/a", "in/b").unwrap_err();
    assert_eq!(refused.code(), Code::DepotFileExists);
    assert_eq!(fs::read(root.path().join("in/b")).unwrap(), b"in/b");
}

#[test]
fn a_source_that_is_shorter_than_it_said_is_never_given_its_name() {
    let (root, mut session) = depot();
    let bytes = content(1000);
    let mut source = Cursor::new(&bytes);
    let cut = upload(session.as_mut(), "in", "LOT.zip", &mut source, 2000).unwrap_err();
    assert_eq!(cut.code(), Code::TransferCut);
    assert!(!root.path().join("in/LOT.zip").exists());
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_not_taken() {
    let (root, mut session) = depot();
    fs::write(root.path().join("in/a"), "first").unwrap();
    let listed = session.list("in").unwrap().remove(0);
    let mut taken = Vec::new();
    let mut sink = |bytes: &[u8]| {
        taken.extend_from_slice(bytes);
        Ok(())
    };
    download(session.as_mut(), "in/a", &listed, 2, &mut sink).unwrap();
    fs::write(root.path().join("in/a"), "second").unwrap();
    let refused = download(session.as_mut(), "in/a", &listed, 0, &mut sink).unwrap_err();
    assert_eq!(refused.code(), Code::DepotFileChanged);
    session.remove("in/a").unwrap();
    let refused = download(session.as_mut(), "in/a", &listed, 0, &mut sink).unwrap_err();
    assert_eq!(refused.code(), Code::DepotFileMissing);
    assert_eq!(taken, b"rst");
}

#[test]
fn folders_links_and_hidden_files_are_nobodys_files() {
    let (root, mut session) = depot();
    let inside = root.path().join("in");
    fs::create_dir(inside.join("folder")).unwrap();
    fs::write(inside.join(".hidden"), "").unwrap();
    symlink("/etc/passwd", inside.join("link")).unwrap();
    assert_eq!(session.list("in").unwrap(), []);
    assert_eq!(session.stat("in/link").unwrap(), None);
    let missing = session.list("nowhere").unwrap_err();
    assert_eq!(missing.code(), Code::DepotFileMissing);
}

/// Whoever may write in the folder may lay a link under the name that our file will have on its way.
#[test]
fn a_link_under_a_name_of_ours_is_not_followed() {
    let (root, mut session) = depot();
    let (elsewhere, bytes) = (root.path().join("elsewhere"), content(1000));
    fs::write(&elsewhere, "of somebody else").unwrap();
    symlink(&elsewhere, part(&root)).unwrap();
    send(session.as_mut(), &bytes).unwrap();
    let arrived = root.path().join("in/LOT.zip");
    assert!(fs::symlink_metadata(&arrived).unwrap().is_file());
    assert_eq!(fs::read(&arrived).unwrap(), bytes);
    symlink(&elsewhere, root.path().join("in/link")).unwrap();
    let further = session.write("in/link", 3, &mut &b"ours"[..]).unwrap_err();
    let read = session.read("in/link", 0, &mut |_| Ok(())).unwrap_err();
    assert_eq!(
        [further, read].map(|fault| fault.code()),
        [Code::DepotRefused; 2]
    );
    assert_eq!(fs::read(&elsewhere).unwrap(), b"of somebody else");
}

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

#[test]
fn nobody_waits_at_a_pipe() {
    let (root, mut session) = depot();
    pipe(&part(&root));
    pipe(&root.path().join("in/pipe"));
    // On a thread of its own: who waits there waits for ever.
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let sent = send(session.as_mut(), &content(1000)).map(|sent| sent.sent);
        let further = session.write("in/pipe", 3, &mut &b"ours"[..]);
        let read = session.read("in/pipe", 0, &mut |_| Ok(()));
        tell.send([sent, further, read].map(|done| done.map_err(|fault| fault.code())))
    });
    let told = told.recv_timeout(Duration::from_secs(60)).unwrap();
    let refused = Err(Code::DepotRefused);
    assert_eq!(told, [Ok(1000), refused, refused]);
    assert_eq!(
        fs::read(root.path().join("in/LOT.zip")).unwrap(),
        content(1000)
    );
}

/// A source whose disk fails.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::Other.into())
    }
}

#[test]
fn a_fault_of_our_own_disk_is_not_taken_for_one_of_the_depot() {
    let (_root, mut session) = depot();
    let fault = session.write("in/a", 0, &mut Broken).unwrap_err();
    assert_eq!(fault.code(), Code::Internal);
}
