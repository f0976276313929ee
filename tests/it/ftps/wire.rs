//! Passive and implicit mode, and what a server says when it breaks a connection.

use std::{
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

use navette::kernel::fault::Code;

use super::{agreed, both_servers, connect, got, noise, put, refused};
use crate::kit::{
    ftps::{FtpsServer, Wanted},
    scratch,
    tmpfs::Tmpfs,
    wait,
};

both_servers! {
    fn implicit_mode_is_under_tls_from_the_first_byte(make) {
        let wanted = Wanted { implicit: true, ..Wanted::default() };
        let server = FtpsServer::start_as(make, wanted);
        let mut session = connect(&server.settings()).unwrap();
        let content = noise(1, 700_000);
        put(session.as_mut(), "a.zip", &content).unwrap();
        assert_eq!(got(session.as_mut(), "a.zip", 0), content);
        assert_eq!(agreed(session.as_ref(), "mode"), "implicit");
    }

    /// Behind NAT a server tells an address that leads nowhere.
    fn data_connections_go_to_the_servers_own_address_whatever_it_tells(make) {
        let wanted = Wanted { passive_address: "192.0.2.7", ..Wanted::default() };
        let server = FtpsServer::start_as(make, wanted);
        let mut session = connect(&server.settings()).unwrap();
        put(session.as_mut(), "a.zip", b"contenu").unwrap();
        let settings = server.settings() + "passive_address = \"127.0.0.1\"\n";
        let mut session = connect(&settings).unwrap();
        assert_eq!(got(session.as_mut(), "a.zip", 0), b"contenu");
    }

    /// A line that is kept open between two looks notices.
    fn a_server_that_went_away_is_noticed_without_asking_it(make) {
        let mut server = FtpsServer::start(make);
        let mut session = connect(&server.settings()).unwrap();
        put(session.as_mut(), "a.zip", b"contenu").unwrap();
        assert!(session.is_open());
        server.vanish();
        wait::until("end of the session", Duration::from_secs(60), || (!session.is_open()).then_some(()));
    }

    /// The server breaks the data connection; only its reply tells why.
    fn a_full_disk_is_told_as_such_and_the_session_goes_on(make) {
        let disk = Tmpfs::mount(&scratch::fresh("disk").join("root"), 4);
        let wanted = Wanted { root: Some(disk.path().to_owned()), ..Wanted::default() };
        let server = FtpsServer::start_as(make, wanted);
        let mut session = connect(&server.settings()).unwrap();
        let fault = put(session.as_mut(), "big.zip", &noise(2, 20_000_000)).unwrap_err();
        assert_eq!(fault.code(), Code::DepotFull, "{fault}");
        session.remove("big.zip").unwrap();
        put(session.as_mut(), "small.zip", b"contenu").unwrap();
    }

    /// Names with spaces, accents, quotes and a leading dash, listed as they are, with the date that a single look tells.
    fn names_and_dates_are_listed_as_they_are(make) {
        let server = FtpsServer::start(make);
        let mut session = connect(&server.settings()).unwrap();
        let names = ["Pièce n° 1.zip", "-rf", "l'été; rm.zip", "a=b; c.zip"];
        for name in names {
            put(session.as_mut(), name, name.as_bytes()).unwrap();
        }
        fs::create_dir(server.root().join("folder.zip")).unwrap();
        fs::write(server.root().join(".hidden.zip"), "x").unwrap();
        let mut listed = session.list("").unwrap();
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        let mut expected = names;
        expected.sort_unstable();
        let shown: Vec<_> = listed.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(shown, expected);
        for file in &listed {
            assert_eq!(file.size, file.name.len() as u64);
            assert_eq!(session.stat(&file.name).unwrap().as_ref(), Some(file));
        }
        assert_eq!(session.list("").unwrap().len(), listed.len());
        assert_eq!(session.stat("folder.zip").unwrap(), None);
        assert_eq!(session.stat("absent.zip").unwrap(), None);
    }
}

/// It listens and never says a word, in clear or under TLS.
#[test]
fn a_silent_server_is_left_after_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = FtpsServer::start(crate::kit::ftps::Make::Vsftpd);
    let settings = server.settings_at(listener.local_addr().unwrap().port());
    for mode in ["explicit", "implicit"] {
        let settings = settings.replace("explicit", mode);
        wait::within(Duration::from_secs(15), || {
            let begun = Instant::now();
            assert_eq!(refused(&settings), Code::DepotUnreachable, "{mode}");
            begun.elapsed()
        });
    }
}
