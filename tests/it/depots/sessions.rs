//! What a session can do, over its whole length.

use std::{fs, os::unix::fs::symlink};

use navette::{
    kernel::fault::Code,
    transport::{Line, path},
};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{code, got, put, read, sent, session};
use crate::{
    every_depot,
    kit::{
        chance::Chance,
        depot::{Depot, Make, noise},
    },
};

every_depot! {
    /// Writes, reads, lists, renames and removes, a hundred of them in any order, and knows at each what lies there.
    fn one_session_does_a_hundred_mixed_operations(depot) {
        let mut session = session(&depot);
        let mut chance = Chance::new();
        let mut there = std::collections::BTreeMap::new();
        for number in 0..100_u64 {
            let known: Vec<String> = there.keys().cloned().collect();
            let any = |chance: &mut Chance| known[usize::try_from(chance.below(known.len() as u64)).unwrap()].clone();
            match chance.below(5) {
                0 | 1 => {
                    let name = format!("lot-{number}.zip");
                    let bytes = noise(number, usize::try_from(chance.below(300_000)).unwrap());
                    put(session.as_mut(), &format!("in/{name}"), &bytes).unwrap();
                    there.insert(name, bytes);
                }
                2 if !known.is_empty() => {
                    let name = any(&mut chance);
                    assert!(got(session.as_mut(), &format!("in/{name}")) == there[&name], "{name}");
                }
                3 if !known.is_empty() => {
                    let (from, to) = (any(&mut chance), format!("renamed-{number}.zip"));
                    session.rename(&format!("in/{from}"), &format!("in/{to}")).unwrap();
                    let bytes = there.remove(&from).unwrap();
                    there.insert(to, bytes);
                }
                4 if !known.is_empty() => {
                    let name = any(&mut chance);
                    session.remove(&format!("in/{name}")).unwrap();
                    there.remove(&name);
                }
                _ => {}
            }
            let mut listed: Vec<_> = session.list("in").unwrap().into_iter().map(|file| (file.name, file.size)).collect();
            listed.sort();
            let expected: Vec<_> = there.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
            assert_eq!(listed, expected, "operation {number}");
        }
        if let Some(proxy) = depot.proxy.as_ref().filter(|_| !depot.is_ftp()) {
            assert_eq!(proxy.connections(), 1, "one session is one connection");
        }
    }

    fn what_is_not_there_is_told_as_missing_and_the_session_goes_on(depot) {
        let mut session = session(&depot);
        let mut nothing = |_: &[u8]| Ok(());
        assert_eq!(code(session.list("nowhere")), Some(Code::DepotFileMissing));
        assert_eq!(code(session.read("in/none", 0, &mut nothing)), Some(Code::DepotFileMissing));
        assert_eq!(code(session.remove("in/none")), Some(Code::DepotFileMissing));
        assert_eq!(code(session.rename("in/none", "in/other")), Some(Code::DepotFileMissing));
        assert_eq!(code(put(session.as_mut(), "nowhere/a", b"a")), Some(Code::DepotFileMissing));
        assert_eq!(session.stat("in/none").unwrap(), None);
        assert_eq!(session.stat("in").unwrap(), None, "a folder is no file");
        put(session.as_mut(), "in/a", b"a").unwrap();
        assert_eq!(got(session.as_mut(), "in/a"), b"a");
    }

    fn a_rename_never_takes_the_place_of_another_file(depot) {
        let mut session = session(&depot);
        for name in ["in/a", "in/b"] {
            put(session.as_mut(), name, name.as_bytes()).unwrap();
        }
        assert_eq!(code(session.rename("in/a", "in/b")), Some(Code::DepotFileExists));
        assert_eq!(got(session.as_mut(), "in/b"), b"in/b");
        session.rename("in/a", "done/a").unwrap();
        assert_eq!(got(session.as_mut(), "done/a"), b"in/a");
    }

    /// Accents, spaces, what a shell or a protocol would take for its own; an empty file; a name of the greatest length.
    fn names_and_sizes_of_every_kind_come_and_go(depot) {
        let mut session = session(&depot);
        let longest = "l".repeat(250);
        for name in ["été à Besançon.zip", "-rf *.zip", "a'b\"c;d$(e).zip", "%s%n.zip", &longest] {
            let bytes = noise(7, 1000);
            let whole = path::join("in", name).unwrap();
            put(session.as_mut(), &whole, &bytes).unwrap();
            assert_eq!(depot.names("in"), [name]);
            assert_eq!(session.list("in").unwrap()[0].name, name);
            assert!(got(session.as_mut(), &whole) == bytes);
            session.remove(&whole).unwrap();
        }
        put(session.as_mut(), "in/empty", b"").unwrap();
        assert_eq!(session.stat("in/empty").unwrap().unwrap().size, 0);
        assert_eq!(got(session.as_mut(), "in/empty"), b"");
    }

    fn hidden_files_folders_and_links_are_nobodys_files(depot) {
        std::fs::create_dir(depot.inside("in/folder")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", depot.inside("in/link")).unwrap();
        depot.put("in/.hidden", b"x");
        depot.put("in/seen", b"x");
        let mut session = session(&depot);
        let listed = session.list("in").unwrap();
        assert_eq!(listed.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["seen"]);
        assert_eq!(session.stat("in/seen").unwrap().as_ref(), listed.first());
        assert!(depot.is_ftp() || session.stat("in/link").unwrap().is_none());
        assert!(session.stat("in/.hidden").unwrap().is_some(), "it can be asked for by name");
    }

    fn a_folder_of_two_thousand_files_is_listed_whole(depot) {
        for number in 0..2000 {
            depot.put(&format!("in/{number}.zip"), b"x");
        }
        assert_eq!(session(&depot).list("in").unwrap().len(), 2000);
    }

    fn reading_and_writing_begin_at_any_byte(depot) {
        let mut session = session(&depot);
        let bytes = noise(3, 200_000);
        put(session.as_mut(), "in/a", &bytes[..120_000]).unwrap();
        session.write("in/a", 120_000, &mut &bytes[120_000..]).unwrap();
        assert!(std::fs::read(depot.inside("in/a")).unwrap() == bytes);
        for from in [0, 1, 65_537, 199_999, 200_000] {
            let mut read = Vec::new();
            let mut sink = |more: &[u8]| {
                read.extend_from_slice(more);
                Ok(())
            };
            let count = session.read("in/a", from as u64, &mut sink).unwrap();
            assert_eq!(count, 200_000 - from as u64);
            assert!(read == bytes[from..]);
        }
        put(session.as_mut(), "in/a", b"short").unwrap();
        assert_eq!(got(session.as_mut(), "in/a"), b"short", "written anew, nothing of the old is left");
    }

    /// A line that lies unused while the other end hangs up is connected again by the next verb.
    fn a_line_outlives_its_connections(depot) {
        let mut line = Line::new(read(&depot), navette::kernel::clock::Clock::system());
        for _ in 0..3 {
            line.with(|session| session.list("in")).unwrap();
            if let Some(proxy) = &depot.proxy {
                let before = proxy.cuts();
                proxy.cut_after(0);
                // The cut falls with the next byte; a verb that meets it is told so, and the one after it is served.
                let _ = line.with(|session| session.list("in"));
                assert_eq!(proxy.cuts(), before + 1);
            }
            line.with(|session| session.list("in")).unwrap();
        }
    }
}

/// In a folder that others write to, something else than a file may bear the name that ours has on its way: neither a link nor a
/// pipe leads a sending astray, or holds it up.
#[test]
fn what_is_laid_under_a_name_of_ours_in_a_folder_leads_nowhere() {
    let depot = Depot::start(Make::Folder);
    let elsewhere = depot.inside("done/elsewhere");
    fs::write(&elsewhere, "of somebody else").unwrap();
    symlink(&elsewhere, depot.inside("in/.LINK.zip.part")).unwrap();
    let pipe = depot.inside("in/.PIPE.zip.part");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    for name in ["LINK.zip", "PIPE.zip"] {
        let bytes = noise(1, 100_000);
        depot.local(name, &bytes);
        assert_eq!(sent(&depot, name)["sent"], bytes.len(), "{name}");
        assert!(
            fs::read(depot.inside(&format!("in/{name}"))).unwrap() == bytes,
            "{name}"
        );
    }
    assert_eq!(depot.names("in"), ["LINK.zip", "PIPE.zip"]);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"of somebody else");
}
