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
use crate::{
    both_engines,
    kit::{
        cft::Monitor,
        process::{self, Finished},
        scratch, wait,
    },
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
    receive(&monitor.spool(), &received, |_| true).unwrap()
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

/// A file that no flow would ever take is not hidden in the spool: the procedure fails, and the monitor shows that.
#[test]
fn a_file_that_no_flow_takes_stays_where_the_monitor_left_it() {
    let (monitor, dir) = (Monitor::start(), scratch::fresh("settings"));
    let settings = monitor
        .settings()
        .replacen("pattern = \"*\"", "pattern = \"LOT*.zip\"", 1);
    fs::create_dir_all(dir.join("depots")).unwrap();
    fs::write(dir.join("depots/cft.toml"), settings).unwrap();
    let file = monitor.receives("A0000001", b"archive");
    for name in ["", "autre.zip", "LOT.zip.ok"] {
        let said = received(&dir, &file, name, "A0000001");
        assert!(!said.status.success(), "{name}");
    }
    assert!(file.exists());
    received(&dir, &file, "LOT.zip", "A0000001").succeeded();
    assert!(!file.exists());
    let other = monitor.receives("A0000003", b"another");
    let said = received(&dir, &other, "LOT.zip", "A0000003");
    assert!(
        !said.status.success() && other.exists(),
        "its second name is none of the pattern"
    );
    let manifest = monitor.receives("A0000002", b"{}");
    received(&dir, &manifest, "LOT1.zip.manifest.json", "A0000002").succeeded();
}

both_engines! {
    /// What comes into the spool by a procedure of the monitor's alone is told where no flow takes it.
    async fn files_of_the_spool_that_no_flow_takes_are_told(kit) {
        let monitor = Monitor::start();
        let settings = monitor.settings().replacen("pattern = \"*\"", "pattern = \"*.zip\"", 1);
        for idf in ["NAVLOT", "NAVACK"] {
            let folder = monitor.spool().join("in/ASP").join(idf);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("A0000001"), "file").unwrap();
            fs::write(folder.join("A0000001.cft"), format!("part=ASP\nidf={idf}\nidtu=A0000001\n")).unwrap();
        }
        let gateway = kit.with_depot("cft", settings).start();
        let told = "have names that no flow takes";
        wait::until(told, Duration::from_secs(60), || (gateway.log().matches(told).count() == 2).then_some(()));
        let said = gateway.run(&["depot", "files", "cft", "--json"]).succeeded();
        let found: serde_json::Value = serde_json::from_str(&said).unwrap();
        let known = |name: &str| {
            let files = found.as_array().unwrap().iter();
            let named = files.filter(|file| file["name"] == name);
            named.map(|file| file["known"] == true).collect::<Vec<_>>()
        };
        assert_eq!(known("A0000001"), [false, false], "{found:#}");
    }
}
