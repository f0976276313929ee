//! The procedures of `deploy/cft`, filled in and run as the monitor does it.

use std::{fs, process::Command};

use super::{connect, write_settings};
use crate::kit::{cft::Monitor, process, scratch};

/// Both ways to hand a received file over.
const RECEIVED: [&str; 2] = ["received.sh", "received-to-spool.sh"];

/// The name in the spool of a file whose sender wrote this, by a procedure.
#[track_caller]
fn handed_over(procedure: &str, parm: &str) -> String {
    let (monitor, dir) = (Monitor::start(), scratch::fresh("procedures"));
    write_settings(&monitor, &dir);
    let file = monitor.receives("A0000007", b"archive");
    let text = fs::read_to_string(format!("deploy/cft/procedures/{procedure}")).unwrap();
    let text = text
        .replace("&FNAME", file.to_str().unwrap())
        .replace("&PARM", parm)
        .replace("&PART", "ASP")
        .replace("&IDF", "NAVLOT")
        .replace("&IDTU", "A0000007")
        .replace(
            "/etc/navette/navette.toml",
            dir.join("navette.toml").to_str().unwrap(),
        )
        .replace("/var/spool/navette/cft", monitor.spool().to_str().unwrap());
    fs::write(dir.join("CFTUTIL"), "#!/bin/sh\n").unwrap();
    scratch::set_mode(&dir.join("CFTUTIL"), 0o700);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_navette"), dir.join("navette")).unwrap();
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &text])
        .current_dir(&dir)
        .env("PATH", path);
    process::run(&shell, 60).succeeded();
    assert!(!dir.join("pwned").exists(), "{procedure}");
    let mut listed = connect(&monitor).list("in/ASP/NAVLOT").unwrap();
    assert_eq!(listed.len(), 1, "{procedure}");
    listed.remove(0).name
}

/// A name that a shell would run is a name.
#[test]
fn the_procedures_to_install_hand_a_file_over_whatever_its_sender_named_it() {
    let name = "l'été $(touch pwned) `touch pwned`;touch pwned.zip";
    for procedure in RECEIVED {
        assert_eq!(handed_over(procedure, name), name, "{procedure}");
    }
}

/// Where its sender named it nothing, or nothing that is a name, it has one that flows take by default.
#[test]
fn the_procedures_to_install_name_a_file_that_its_sender_did_not() {
    for procedure in RECEIVED {
        for parm in ["", ".LOT.zip", "lots/LOT.zip"] {
            assert_eq!(
                handed_over(procedure, parm),
                "A0000007.zip",
                "{procedure} {parm:?}"
            );
        }
    }
}
