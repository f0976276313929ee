//! A form with two parts, as `curl` and Python send it over mutual TLS.

use rcgen::ExtendedKeyUsagePurpose::ClientAuth;

use super::super::{
    listener::Settings,
    rig::{Authority, routes, run, start},
};
use crate::kernel::digest;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_curls_comes_in_whole_over_mutual_tls() {
    let ours = Authority::new();
    ours.issue("client", 2, ClientAuth, 2090);
    let settings = Settings::default();
    let server = start(Some(ours.tls(&[])), settings, routes(settings)).await;
    let content: Vec<u8> = (0..19_900_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect();
    std::fs::write(ours.path("scan.pdf"), &content).unwrap();
    ours.write("metadata.json", "{}");
    let path = |name: &str| ours.path(name).display().to_string();
    let metadata = format!("metadata=@{};type=application/json", path("metadata.json"));
    let file = format!("content=@{};type=application/pdf", path("scan.pdf"));
    let url = format!("https://localhost:{}/parts", server.address.port());
    let (ca, certificate, key) = (path("ca.pem"), path("client.pem"), path("client.key"));
    let arguments = [
        "-s",
        "--cacert",
        &ca,
        "--cert",
        &certificate,
        "--key",
        &key,
        "-F",
        &metadata,
        "-F",
        &file,
        &url,
    ];
    let (_, answer) = run("curl", &arguments).await;
    let sha256 = digest::hex(&digest::sha256(&content));
    assert!(answer.starts_with("2 19900000 "), "{answer}");
    assert!(answer.ends_with(&sha256), "{answer}");
}
