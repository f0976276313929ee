//! Long sessions of mixed operations with servers that demand the TLS session's reuse on every data connection.

use navette::kernel::fault::Code;

use super::{agreed, both_servers, connect, got, noise, put};
use crate::kit::ftps::FtpsServer;

const V12: &str = "tls_ceiling = \"1.2\"\n";
const V13: &str = "tls_floor = \"1.3\"\n";

both_servers! {
    /// Every verb in every order, a hundred times in one session, over TLS 1.2.
    fn a_hundred_mixed_operations_go_through_one_session_of_tls_1_2(make) {
        let server = FtpsServer::start(make);
        let session = mixed(&server, &(server.settings() + V12));
        assert_eq!(session, "TLSv1_2");
    }

    /// The same over TLS 1.3, where a ticket serves once.
    fn a_hundred_mixed_operations_go_through_one_session_of_tls_1_3(make) {
        let server = FtpsServer::start(make);
        let session = mixed(&server, &(server.settings() + V13));
        assert_eq!(session, "TLSv1_3");
    }

    /// What is there is continued, or written anew; never does an old end stay behind a shorter file.
    fn a_file_is_continued_at_its_end_and_written_anew_from_its_beginning(make) {
        let server = FtpsServer::start(make);
        let mut session = connect(&server.settings()).unwrap();
        let content = noise(1, 1_000_000);
        put(session.as_mut(), "a", &content[..400_000]).unwrap();
        let mut rest = std::io::Cursor::new(&content[400_000..]);
        session.write("a", 400_000, &mut rest).unwrap();
        assert_eq!(got(session.as_mut(), "a", 0), content);
        let elsewhere = session.write("a", 5, &mut std::io::Cursor::new(b"x")).unwrap_err();
        assert_eq!(elsewhere.code(), Code::DepotFileChanged);
        put(session.as_mut(), "a", &content[..10]).unwrap();
        assert_eq!(got(session.as_mut(), "a", 0), content[..10]);
        put(session.as_mut(), "b", b"").unwrap();
        assert_eq!(session.stat("b").unwrap().unwrap().size, 0);
        let taken = session.rename("a", "b").unwrap_err();
        assert_eq!(taken.code(), Code::DepotFileExists);
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
