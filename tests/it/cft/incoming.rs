//! What the monitor received comes into the spool, whole or not at all.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Barrier,
    thread,
    time::Duration,
};

use navette::transport::cft::spool::{Received, receive};

use super::{about, connect, write_settings};
use crate::kit::{
    cft::Monitor,
    gateway::{Engine, Kit},
    process::{self, Finished},
    scratch, wait,
};

fn navette(dir: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    command
        .args(arguments)
        .env("NAVETTE_CONFIG", dir.join("navette.toml"));
    process::run(&command, 60)
}

fn received(dir: &Path, file: &Path, name: &str, idtu: &str) -> Finished {
    let file = file.to_str().unwrap();
    navette(
        dir,
        &[
            "cft", "received", "--file", file, "--name", name, "--part", "ASP", "--idf", "NAVLOT",
            "--idtu", idtu,
        ],
    )
}

/// It needs the depot's settings alone: no gateway, no database.
#[test]
fn the_command_takes_a_received_file_over_with_its_ids() {
    let (monitor, dir) = (Monitor::start(), scratch::fresh("settings"));
    write_settings(&monitor, &dir);
    let file = monitor.receives("A0000001", b"archive");
    received(&dir, &file, "LOT42.zip", "A0000001").succeeded();
    assert!(!file.exists());
    let mut session = connect(&monitor);
    let listed = session.list("in/ASP/NAVLOT").unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name.as_str(), listed[0].size), ("LOT42.zip", 7));
    assert_eq!(
        about(session.as_mut(), "in/ASP/NAVLOT/LOT42.zip", "idtu"),
        "A0000001"
    );
    session.remove("in/ASP/NAVLOT/LOT42.zip").unwrap();
    assert_eq!(
        fs::read_dir(monitor.spool().join("in/ASP/NAVLOT"))
            .unwrap()
            .count(),
        0
    );
}

/// Two senders may choose one name.
#[test]
fn a_second_file_of_one_name_waits_beside_the_first() {
    let (monitor, dir) = (Monitor::start(), scratch::fresh("settings"));
    write_settings(&monitor, &dir);
    for (idtu, content) in [("A0000001", b"one"), ("A0000002", b"two")] {
        let file = monitor.receives(idtu, content);
        received(&dir, &file, "LOT.zip", idtu).succeeded();
    }
    let mut session = connect(&monitor);
    let mut names: Vec<_> = session
        .list("in/ASP/NAVLOT")
        .unwrap()
        .into_iter()
        .map(|file| file.name)
        .collect();
    names.sort();
    assert_eq!(names, ["A0000002-LOT.zip", "LOT.zip"]);
}

/// Takes a file over under the one name that all of them have.
fn take_over(monitor: &Monitor, file: &Path, idtu: &str) -> PathBuf {
    let received = Received {
        file,
        name: Some("LOT.zip"),
        part: "ASP",
        idf: "NAVLOT",
        idtu,
    };
    receive(&monitor.spool(), &received).unwrap()
}

/// Nor do they lose anything when their files come at the same moment.
#[test]
fn files_of_one_name_that_come_at_once_are_all_kept() {
    const AT_ONCE: usize = 8;
    for _ in 0..5 {
        let (monitor, start) = (Monitor::start(), Barrier::new(AT_ONCE));
        let idtus: Vec<_> = (1..=AT_ONCE)
            .map(|number| format!("A{number:07}"))
            .collect();
        thread::scope(|scope| {
            for idtu in &idtus {
                let (monitor, start) = (&monitor, &start);
                scope.spawn(move || {
                    let file = monitor.receives(idtu, idtu.as_bytes());
                    start.wait();
                    take_over(monitor, &file, idtu);
                });
            }
        });
        let mut session = connect(&monitor);
        let listed = session.list("in/ASP/NAVLOT").unwrap();
        assert_eq!(listed.len(), AT_ONCE, "{listed:?}");
        for file in &listed {
            let path = format!("in/ASP/NAVLOT/{}", file.name);
            let content = fs::read_to_string(monitor.spool().join(&path)).unwrap();
            assert_eq!(about(session.as_mut(), &path, "idtu"), content, "{path}");
        }
    }
}

/// A file that comes while its namesake leaves is seen with what is known of it.
#[test]
fn a_file_that_comes_while_its_namesake_leaves_is_seen() {
    const ALL: usize = 200;
    let monitor = Monitor::start();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..ALL {
                let idtu = format!("A{number:07}");
                let file = monitor.receives(&idtu, idtu.as_bytes());
                take_over(&monitor, &file, &idtu);
            }
        });
        let (mut session, mut seen) = (connect(&monitor), BTreeSet::new());
        fs::create_dir_all(monitor.spool().join("in/ASP/NAVLOT")).unwrap();
        wait::until("every file", Duration::from_secs(60), || {
            for file in session.list("in/ASP/NAVLOT").unwrap() {
                let path = format!("in/ASP/NAVLOT/{}", file.name);
                seen.insert(about(session.as_mut(), &path, "idtu"));
                session.remove(&path).unwrap();
            }
            (seen.len() == ALL).then_some(())
        });
    });
    let left = fs::read_dir(monitor.spool().join("in/ASP/NAVLOT")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn a_name_that_leads_elsewhere_is_refused_and_the_file_stays() {
    let (monitor, dir) = (Monitor::start(), scratch::fresh("settings"));
    write_settings(&monitor, &dir);
    let file = monitor.receives("A0000001", b"archive");
    for name in ["../x.zip", "a/b.zip", ".."] {
        assert!(
            !received(&dir, &file, name, "A0000001").status.success(),
            "{name}"
        );
    }
    assert!(!received(&dir, &file, "x.zip", "../A").status.success());
    assert!(file.exists());
}

/// A procedure that may not run the command puts the file there, then its sidecar.
#[test]
fn a_file_counts_once_its_sidecar_is_whole() {
    let monitor = Monitor::start();
    let folder = monitor.spool().join("in/ASP/NAVLOT");
    fs::create_dir_all(&folder).unwrap();
    let mut session = connect(&monitor);
    let count = |session: &mut dyn navette::transport::Session| {
        session.list("in/ASP/NAVLOT").unwrap().len()
    };
    fs::write(folder.join("a.zip"), "archive").unwrap();
    assert_eq!(count(session.as_mut()), 0);
    fs::write(folder.join("a.zip.cft"), "part=ASP\nidf=NAVLOT\nidtu=A00").unwrap();
    assert_eq!(count(session.as_mut()), 0);
    fs::write(
        folder.join("a.zip.cft"),
        "part=ASP\nidf=NAVLOT\nidtu=A0000001\n",
    )
    .unwrap();
    assert_eq!(count(session.as_mut()), 1);
    session
        .rename("in/ASP/NAVLOT/a.zip", "rejected/a.zip")
        .unwrap();
    assert_eq!(count(session.as_mut()), 0);
    assert_eq!(
        about(session.as_mut(), "rejected/a.zip", "idtu"),
        "A0000001"
    );
}

/// The monitor's settings where archives are zips by their names.
fn zips(monitor: &Monitor) -> String {
    let any = "pattern = \"*\"";
    monitor.settings().replace(any, "pattern = \"*.zip\"")
}

/// The gateway tells of what lies in the spool for nobody, and its operator finds it.
#[test]
fn a_file_in_the_spool_that_no_flow_takes_is_told() {
    let monitor = Monitor::start();
    let kit = Kit::new(Engine::Sqlite).with_depot("cft", zips(&monitor));
    let gateway = kit.start();
    let received = Received {
        file: &monitor.receives("A0000001", b"archive"),
        name: Some("LOT"),
        part: "ASP",
        idf: "NAVLOT",
        idtu: "A0000001",
    };
    receive(&monitor.spool(), &received).unwrap();
    wait::until("the warning", Duration::from_secs(60), || {
        gateway
            .log()
            .contains("names that no flow takes")
            .then_some(())
    });
    let said = gateway
        .run(&["depot", "files", "cft", "--json"])
        .succeeded();
    let found: serde_json::Value = serde_json::from_str(&said).unwrap();
    let [file] = &found.as_array().unwrap()[..] else {
        panic!("{found:#}")
    };
    assert_eq!(
        (&file["flow"], &file["name"], &file["known"]),
        (&"lots".into(), &"LOT".into(), &false.into())
    );
}

/// A name that no flow takes is told, and its file is taken over: it is taken once a flow does.
#[test]
fn a_file_that_no_flow_takes_by_its_name_is_told() {
    let (monitor, dir) = (Monitor::start(), scratch::fresh("settings"));
    fs::create_dir_all(dir.join("depots")).unwrap();
    fs::write(dir.join("depots/cft.toml"), zips(&monitor)).unwrap();
    for (idtu, name, is_strange) in [("A0000001", "LOT.zip", false), ("A0000002", "LOT", true)] {
        let file = monitor.receives(idtu, b"archive");
        let said = received(&dir, &file, name, idtu);
        assert!(said.status.success(), "{said:?}");
        assert_eq!(said.stderr.contains("no flow"), is_strange, "{said:?}");
    }
    assert_eq!(connect(&monitor).list("in/ASP/NAVLOT").unwrap().len(), 2);
}
