//! A database server that is reached over TLS.

use crate::kit::{gateway::Kit, pki::pki, postgres::Server};

/// What OpenSSL reads the system's authorities from, where it is set.
const AUTHORITIES: &str = "SSL_CERT_FILE";

/// `sslmode=require` demands TLS, and a server that an authority of the system vouches for.
#[test]
fn a_database_that_is_to_be_reached_over_tls_is_reached_no_other_way() {
    let server = Server::start_new();
    let url = server.fresh_database().replace("127.0.0.1", "localhost");
    let url = url.replace("sslmode=disable", "sslmode=require");
    let kit = Kit::with_database(Some(url));
    let [root, foreign] = [&pki().root, &pki().foreign_root]
        .map(|file| file.to_str().expect("scratch paths are text"));
    kit.write();
    let migrated = |authorities| kit.run_with(&[(AUTHORITIES, authorities)], &["migrate"]);
    let clear = migrated(root).failed_with(4);
    assert!(clear.contains("TLS"), "{clear}");
    server.speak_tls(&pki().server);
    let strange = migrated(foreign).failed_with(4);
    assert!(strange.contains("certificate verify failed"), "{strange}");
    migrated(root).succeeded();
    let _gateway = kit.env(AUTHORITIES, root).start();
    let ours = "pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'navette'";
    let counted = format!("SELECT count(*) > 0 AND bool_and(ssl) FROM {ours}");
    assert_eq!(server.sql("postgres", &counted), "t");
}
