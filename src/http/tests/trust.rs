//! Who gets through the handshake.

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};

use super::super::{
    listener::Settings,
    rig::{Authority, Running, routes, run, start},
};
use crate::kernel::digest;

/// Asks `/who` with the certificate `name` of `holder`, or without one.
async fn who(
    server: &Running,
    ours: &Authority,
    client: Option<(&Authority, &str)>,
) -> (Option<i32>, String) {
    let url = format!("https://localhost:{}/who", server.address.port());
    let ca = ours.path("ca.pem");
    let mut arguments = vec!["-s", "--cacert", ca.to_str().unwrap()];
    let files = client.map(|(holder, name)| {
        (
            holder.path(&format!("{name}.pem")),
            holder.path(&format!("{name}.key")),
        )
    });
    if let Some((certificate, key)) = &files {
        arguments.extend([
            "--cert",
            certificate.to_str().unwrap(),
            "--key",
            key.to_str().unwrap(),
        ]);
    }
    arguments.push(&url);
    run("curl", &arguments).await
}

async fn serve(ours: &Authority, revocations: &[&str]) -> Running {
    let settings = Settings::default();
    start(Some(ours.tls(revocations)), settings, routes(settings)).await
}

#[tokio::test]
async fn a_client_of_our_authority_is_known_by_its_fingerprint_and_one_without_certificate_is_nobody()
 {
    let ours = Authority::new();
    ours.issue("client", 2, ClientAuth, 2090);
    let server = serve(&ours, &[]).await;
    let (_, nobody) = who(&server, &ours, None).await;
    assert_eq!(nobody, "None None");
    let (_, known) = who(&server, &ours, Some((&ours, "client"))).await;
    let pem = std::fs::read(ours.path("client.pem")).unwrap();
    let der = openssl::x509::X509::from_pem(&pem)
        .unwrap()
        .to_der()
        .unwrap();
    assert!(
        known.contains(&digest::hex(&digest::sha256(&der))),
        "{known}"
    );
    assert!(known.contains("CN=client"), "{known}");
}

#[tokio::test]
async fn another_authority_an_expired_certificate_and_a_servers_certificate_fail_in_the_handshake()
{
    let (ours, theirs) = (Authority::new(), Authority::new());
    ours.issue("expired", 2, ClientAuth, 2024);
    ours.issue("not-a-client", 3, ServerAuth, 2090);
    theirs.issue("stranger", 4, ClientAuth, 2090);
    let server = serve(&ours, &[]).await;
    for (holder, name) in [
        (&ours, "expired"),
        (&ours, "not-a-client"),
        (&theirs, "stranger"),
    ] {
        let (status, text) = who(&server, &ours, Some((holder, name))).await;
        assert_ne!(status, Some(0), "{name} got through: {text}");
        assert_eq!(text, "", "{name} got an answer");
    }
}

#[tokio::test]
async fn a_revoked_certificate_fails_and_so_does_every_one_once_the_list_is_out_of_date() {
    let ours = Authority::new();
    ours.issue("revoked", 2, ClientAuth, 2090);
    ours.issue("good", 3, ClientAuth, 2090);
    ours.revoke("current.crl", &[2], 2090);
    ours.revoke("old.crl", &[2], 2024);
    let current = serve(&ours, &["current.crl"]).await;
    assert_eq!(who(&current, &ours, Some((&ours, "good"))).await.0, Some(0));
    assert_ne!(
        who(&current, &ours, Some((&ours, "revoked"))).await.0,
        Some(0)
    );
    let old = serve(&ours, &["old.crl"]).await;
    assert_ne!(who(&old, &ours, Some((&ours, "good"))).await.0, Some(0));
}

#[tokio::test]
async fn a_reload_counts_for_the_next_connection_and_a_broken_file_changes_nothing() {
    let ours = Authority::new();
    ours.issue("client", 2, ClientAuth, 2090);
    ours.revoke("list.crl", &[], 2090);
    let tls = ours.tls(&["list.crl"]);
    let settings = Settings::default();
    let server = start(Some(tls.clone()), settings, routes(settings)).await;
    assert_eq!(
        who(&server, &ours, Some((&ours, "client"))).await.0,
        Some(0)
    );
    ours.write("list.crl", "no list at all");
    assert!(tls.reload().is_err());
    assert_eq!(
        who(&server, &ours, Some((&ours, "client"))).await.0,
        Some(0)
    );
    ours.revoke("list.crl", &[2], 2090);
    tls.reload().unwrap();
    assert_ne!(
        who(&server, &ours, Some((&ours, "client"))).await.0,
        Some(0)
    );
}

#[tokio::test]
async fn old_versions_of_tls_are_refused() {
    let ours = Authority::new();
    let server = serve(&ours, &[]).await;
    let url = format!("https://localhost:{}/who", server.address.port());
    let ca = ours.path("ca.pem");
    let with = |version: &'static str| {
        let (url, ca) = (url.clone(), ca.clone());
        async move {
            let ca = ca.to_str().unwrap();
            let ciphers = "DEFAULT@SECLEVEL=0";
            run(
                "curl",
                &[
                    "-s",
                    "--cacert",
                    ca,
                    "--tls-max",
                    version,
                    "--tlsv1.0",
                    "--ciphers",
                    ciphers,
                    &url,
                ],
            )
            .await
            .0
        }
    };
    assert_ne!(with("1.1").await, Some(0));
    assert_eq!(with("1.2").await, Some(0));
    assert_eq!(with("1.3").await, Some(0));
}

#[test]
fn every_tls_file_that_does_not_serve_is_reported_at_once() {
    let files = super::super::tls::TlsFiles {
        certificate: "/nonexistent/server.pem".into(),
        key: "/nonexistent/server.key".into(),
        client_authorities: vec!["/nonexistent/ca.pem".into()],
        revocations: Vec::new(),
    };
    let fault = super::super::tls::Tls::load(files).err().unwrap();
    assert_eq!(fault.errors().len(), 3);
}
