//! Long sessions of mixed operations with servers that demand the TLS session's reuse on every data connection.

use std::io::Cursor;

use navette::{kernel::fault::Code, transport::upload};

use super::{agreed, both_servers, connect, got, noise, put};
use crate::kit::ftps::{FtpsServer, Make, Wanted};

const V13: &str = "tls_floor = \"1.3\"\n";

both_servers! {
    /// Every verb in every order, a hundred times in one session, over TLS 1.2.
    fn a_hundred_mixed_operations_go_through_one_session_of_tls_1_2(make) {
        let server = FtpsServer::start(make);
        let session = mixed(&server, &server.settings());
        assert_eq!(session, "TLSv1_2");
    }

    /// What is there is written anew, never with an old end behind a shorter file.
    fn a_file_is_written_anew_from_its_beginning_and_no_other_is_written_over(make) {
        let server = FtpsServer::start(make);
        let mut session = connect(&server.settings()).unwrap();
        let content = noise(1, 1_000_000);
        put(session.as_mut(), "a", &content).unwrap();
        put(session.as_mut(), "a", &content[..10]).unwrap();
        assert_eq!(got(session.as_mut(), "a", 0), content[..10]);
        let elsewhere = session.write("a", 5, &mut Cursor::new(b"x")).unwrap_err();
        assert_eq!(elsewhere.code(), Code::DepotFileChanged);
        put(session.as_mut(), "b", b"").unwrap();
        assert_eq!(session.stat("b").unwrap().unwrap().size, 0);
        let taken = session.rename("a", "b").unwrap_err();
        assert_eq!(taken.code(), Code::DepotFileExists);
    }

    /// What an earlier try left is continued where the server lets it, and sent anew where it does not.
    fn what_an_earlier_try_left_is_taken_up_again(make) {
        let lenient = Wanted {
            more: match make {
                Make::Vsftpd => "",
                Make::Proftpd => "AllowStoreRestart on\n",
            },
            ..Wanted::default()
        };
        let content = noise(1, 1_000_000);
        for (wanted, resumed_at) in [(Wanted::default(), 0), (lenient, 400_000)] {
            let server = FtpsServer::start_as(make, wanted);
            let mut session = connect(&server.settings()).unwrap();
            put(session.as_mut(), ".a.zip.part", &content[..400_000]).unwrap();
            let size = content.len() as u64;
            let sent = upload(session.as_mut(), "", "a.zip", &mut Cursor::new(&content), size).unwrap();
            assert_eq!(got(session.as_mut(), "a.zip", 0), content);
            if make == Make::Proftpd {
                assert_eq!(sent.resumed_at, resumed_at);
            } else {
                assert_eq!(sent.resumed_at, 400_000);
            }
        }
    }

    /// Uploads bring no data back, and so once left no ticket for the next.
    fn thirty_uploads_in_a_row_go_through_one_session(make) {
        let server = FtpsServer::start(make);
        let mut session = connect(&server.settings()).unwrap();
        for round in 0..30 {
            let content = noise(round, 300_000);
            put(session.as_mut(), &format!("f{round}"), &content).unwrap();
        }
        assert_eq!(session.list("").unwrap().len(), 30);
        assert_eq!(agreed(session.as_ref(), "data session"), "resumed");
    }
}

/// vsftpd gives a new ticket on every connection, which serves once.
#[test]
fn a_hundred_mixed_operations_go_through_one_session_of_tls_1_3_with_vsftpd() {
    let server = FtpsServer::start(Make::Vsftpd);
    assert_eq!(mixed(&server, &(server.settings() + V13)), "TLSv1_3");
}

/// ProFTPD gives none: it is told what helps.
#[test]
fn a_server_that_gives_no_more_tickets_of_tls_1_3_is_told_with_the_setting_that_helps() {
    let server = FtpsServer::start(Make::Proftpd);
    let mut session = connect(&(server.settings() + V13)).unwrap();
    let put = |round: u8| put(session.as_mut(), &format!("f{round}"), &noise(1, 300_000));
    let fault = (0..10).map(put).find_map(Result::err).unwrap();
    assert_eq!(fault.code(), Code::DepotRefused);
    assert!(fault.detail().contains("tls_ceiling = \"1.2\""), "{fault}");
}

/// A hundred and more operations in one session; tells its version of TLS.
fn mixed(server: &FtpsServer, settings: &str) -> String {
    std::fs::create_dir(server.root().join("in")).unwrap();
    let mut session = connect(settings).unwrap();
    let session = session.as_mut();
    for round in 0..17 {
        let content = noise(round, 10_000 + 9_000 * round as usize);
        let (name, kept) = (format!("in/.{round}.part"), format!("in/{round}.zip"));
        put(session, &name, &content).unwrap();
        assert_eq!(
            session.stat(&name).unwrap().unwrap().size,
            content.len() as u64
        );
        session.rename(&name, &kept).unwrap();
        assert_eq!(session.list("in").unwrap().len(), 1 + (round as usize % 3));
        assert_eq!(got(session, &kept, 5_000), content[5_000..]);
        if round % 3 == 2 {
            for old in round - 2..=round {
                session.remove(&format!("in/{old}.zip")).unwrap();
            }
        }
    }
    assert_eq!(agreed(session, "data session"), "resumed");
    agreed(session, "tls")
}
