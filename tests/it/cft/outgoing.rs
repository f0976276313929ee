//! What leaves: by the command and by the REST API, asked once under one id.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use navette::kernel::fault::Code;

use super::{about, connect, upload, write_settings};
use crate::kit::{cft::Monitor, process, scratch, wait};

/// A sentence about both ways of asking.
macro_rules! both_ways {
    ($($(#[$doc:meta])* fn $name:ident($monitor:ident) $body:block)+) => {$(
        $(#[$doc])*
        fn $name($monitor: $crate::kit::cft::Monitor) $body

        mod $name {
            use $crate::kit::cft::Monitor;

            #[test]
            fn by_command() {
                super::$name(Monitor::start());
            }

            #[test]
            fn by_rest() {
                super::$name(Monitor::with_rest());
            }
        }
    )+};
}

both_ways! {
    /// It waits in the work folder for as long as the monitor needs it.
    fn a_file_is_sent_with_its_partner_model_and_name(monitor) {
        let mut session = connect(&monitor);
        upload(session.as_mut(), "RET-1.zip", b"retour").unwrap();
        assert_eq!(monitor.sent("NAVRET", "RET-1.zip").unwrap(), b"retour");
        let [transfer] = &monitor.catalog()[..] else { panic!("one transfer") };
        assert!(transfer.fname.is_absolute() && transfer.fname.exists());
        let path = "out/ASP/NAVRET/RET-1.zip";
        assert_eq!(about(session.as_mut(), path, "idtu"), transfer.idtu);
        assert_eq!(about(session.as_mut(), path, "ida"), transfer.ida);
        assert_eq!(transfer.ida.len(), 32);
    }

    /// The worker asks again after a crash: the same file under the same name was handed over already.
    fn a_file_that_was_handed_over_is_not_sent_twice(monitor) {
        for _ in 0..2 {
            let mut session = connect(&monitor);
            upload(session.as_mut(), "RET-1.zip", b"retour").unwrap();
        }
        let mut session = connect(&monitor);
        let other = upload(session.as_mut(), "RET-1.zip", b"autre").unwrap_err();
        assert_eq!(other.code(), Code::DepotFileExists);
        assert_eq!(monitor.catalog().len(), 1);
    }

    /// Nothing stands under the file's own name, and the next request bears the same id.
    fn a_refused_request_is_made_again_under_one_id(monitor) {
        let mut session = connect(&monitor);
        monitor.set("refuse", true);
        let refused = upload(session.as_mut(), "RET-1.zip", b"retour").unwrap_err();
        assert_eq!(refused.code(), Code::DepotRefused, "{refused}");
        assert_eq!(session.stat("out/ASP/NAVRET/RET-1.zip").unwrap(), None);
        let ida = about(session.as_mut(), "out/ASP/NAVRET/RET-1.zip", "ida");
        monitor.set("refuse", false);
        let sent = upload(session.as_mut(), "RET-1.zip", b"retour").unwrap();
        assert_eq!(sent.resumed_at, 6);
        assert_eq!(monitor.catalog()[0].ida, ida);
    }

    /// What a partner named his archive is in its receipt's name: none of it is read by the monitor.
    fn a_name_holds_nothing_that_the_monitor_reads_as_its_own(monitor) {
        let mut session = connect(&monitor);
        let name = "LOT,EXEC=x,'é&IDF%A%.zip.ack.json";
        upload(session.as_mut(), name, b"accus\xc3\xa9").unwrap();
        let [transfer] = &monitor.catalog()[..] else { panic!("one transfer") };
        assert_eq!(transfer.parm, "LOT~2CEXEC~3Dx~2C~27~C3~A9~26IDF~25A~25.zip.ack.json");
        assert!(transfer.fname.ends_with(&transfer.parm));
    }

    /// A name that is too long once it is spelt keeps both of its ends, and is the same at each try.
    fn a_name_fits_however_long_its_archives_was(monitor) {
        let name = format!("{}.zip.ack.json", "é".repeat(100));
        for _ in 0..2 {
            upload(connect(&monitor).as_mut(), &name, b"recu").unwrap();
        }
        let [transfer] = &monitor.catalog()[..] else { panic!("one transfer") };
        assert!(transfer.parm.len() <= 240 && transfer.parm.ends_with(".zip.ack.json"), "{}", transfer.parm);
        assert_eq!(connect(&monitor).stat(&format!("out/ASP/NAVRET/{name}")).unwrap().unwrap().name, name);
    }

    /// The operator's look at the depot writes in its folders, and sends nothing.
    fn a_check_of_the_depot_sends_nothing(monitor) {
        let dir = scratch::fresh("settings");
        write_settings(&monitor, &dir);
        let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
        command.args(["depot", "check", "cft", "--json"]).env("NAVETTE_CONFIG", dir.join("navette.toml"));
        let said = process::run(&command, 60).succeeded();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said[0]["sound"], true, "{said}");
        assert_eq!(monitor.catalog(), []);
        assert_eq!(monitor.waiting().len(), 0);
    }

    /// A monitor that keeps silent is left, and what it may have taken is asked again under the same id.
    fn a_monitor_that_hangs_is_left_after_the_timeout(monitor) {
        monitor.set("hang", true);
        wait::within(Duration::from_secs(20), || {
            let mut session = connect(&monitor);
            let begun = Instant::now();
            let away = upload(session.as_mut(), "RET-1.zip", b"retour").unwrap_err();
            assert_eq!(away.code(), Code::DepotUnreachable, "{away}");
            begun.elapsed()
        });
        monitor.set("hang", false);
    }
}

#[test]
fn without_its_command_the_monitor_is_away() {
    let monitor = Monitor::start();
    let settings = monitor.settings().replace("cftutil.sh", "nowhere.sh");
    let dir = scratch::fresh("settings");
    std::fs::create_dir(dir.join("depots")).unwrap();
    std::fs::write(dir.join("depots/cft.toml"), settings).unwrap();
    let depot = navette::config::depots::depot(&dir.join("navette.toml"), "cft").unwrap();
    let clock = navette::kernel::clock::Clock::system();
    let mut session = navette::transport::connect(&depot, &clock).unwrap();
    let away = upload(session.as_mut(), "RET-1.zip", b"retour").unwrap_err();
    assert_eq!(away.code(), Code::DepotUnreachable, "{away}");
}
