//! Who the server must be, and who we are there.

use navette::kernel::fault::Code;

use super::{agreed, both_servers, connect, put, refused};
use crate::kit::{
    ftps::{FtpsServer, Make, PASSWORD, Wanted},
    pki::pki,
};

both_servers! {
    /// The password is not told to whoever shows an expired certificate.
    fn an_expired_certificate_is_refused_before_the_login(make) {
        let server = FtpsServer::start_as(make, Wanted::with(&pki().expired_partner));
        assert_eq!(refused(&server.settings()), Code::DepotCertificateRefused);
        assert!(!server.log().contains("PASS"));
    }

    fn a_certificate_of_another_authority_is_refused(make) {
        let server = FtpsServer::start_as(make, Wanted::with(&pki().foreign_partner));
        assert_eq!(refused(&server.settings()), Code::DepotCertificateRefused);
    }

    fn a_certificate_of_another_name_is_refused(make) {
        let server = FtpsServer::start(make);
        let settings = server.settings() + "server_name = \"ailleurs.example.org\"\n";
        assert_eq!(refused(&settings), Code::DepotCertificateRefused);
    }

    fn a_server_that_asks_for_a_client_certificate_gets_ours(make) {
        let wanted = Wanted { client_certificates: true, ..Wanted::default() };
        let server = FtpsServer::start_as(make, wanted);
        let (certificate, key) = (&pki().outbound.certificate, &pki().outbound.key);
        let ours = format!("certificate = {certificate:?}\nkey_file = {key:?}\n");
        let mut session = connect(&(server.settings() + &ours)).unwrap();
        put(session.as_mut(), "a.zip", b"contenu").unwrap();
        refused(&server.settings());
    }

    fn a_wrong_password_is_told_as_such(make) {
        let server = FtpsServer::start(make);
        let settings = server.settings();
        let file = settings.lines().find_map(|line| line.strip_prefix("password_file = \"")).unwrap();
        std::fs::write(file.trim_end_matches('"'), format!("{PASSWORD}-non")).unwrap();
        assert_eq!(refused(&settings), Code::DepotLoginRefused);
    }

    /// For the operator's eyes: what both ends agreed on.
    fn a_session_tells_its_version_suite_and_certificate(make) {
        let server = FtpsServer::start(make);
        let session = connect(&server.settings()).unwrap();
        let shown = data_encoding::HEXLOWER.encode(&pki().partner.fingerprint);
        assert_eq!(agreed(session.as_ref(), "certificate sha256"), shown);
        assert!(agreed(session.as_ref(), "cipher suite").starts_with("TLS"));
        assert_eq!(agreed(session.as_ref(), "mode"), "explicit");
    }
}

/// Floor and ceiling are the depot's own: a server that has no version between them never hears the password.
#[test]
fn a_server_without_a_version_between_floor_and_ceiling_is_refused_before_the_login() {
    let (v12, v13) = ("TLSProtocol TLSv1.2\n", "TLSProtocol TLSv1.3\n");
    let (only_12, only_13) = ("tls_ceiling = \"1.2\"\n", "tls_floor = \"1.3\"\n");
    for (more, fits, misses) in [(v12, only_12, only_13), (v13, only_13, only_12)] {
        let wanted = Wanted {
            more,
            ..Wanted::default()
        };
        let server = FtpsServer::start_as(Make::Proftpd, wanted);
        assert_eq!(
            refused(&(server.settings() + misses)),
            Code::DepotInsecure,
            "{more}"
        );
        assert!(!server.log().contains("PASS"));
        connect(&(server.settings() + fits)).expect("a version in common");
    }
}
