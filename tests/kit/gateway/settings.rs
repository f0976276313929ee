//! The settings files that a kit writes: the one place that knows their keys.

use std::{collections::BTreeMap, fmt::Write, net::SocketAddr, path::Path};

use crate::kit::pki::pki;

/// Dotted keys, each with its value as written in TOML.
pub type Settings = BTreeMap<String, String>;

/// `navette.toml` with every default left alone.
pub fn gateway(address: SocketAddr, health: SocketAddr, database: Option<&str>) -> Settings {
    let pki = pki();
    let mut settings = Settings::from([
        pair("environment", "essai"),
        pair("listen.address", address),
        pair(
            "listen.public_url",
            format!("https://localhost:{}", address.port()),
        ),
        file("listen.certificate", &pki.server.certificate),
        file("listen.key_file", &pki.server.key),
        file("listen.client_ca", &pki.root),
        pair("health.address", health),
        file("keys.master_key_file", &pki.master_key),
        file("receipts.certificate", &pki.receipt_signer.certificate),
        file("receipts.key_file", &pki.receipt_signer.key),
        file("tokens.key_file", &pki.token_key),
    ]);
    settings.extend(database.map(|url| pair("database.url", url)));
    settings
}

/// The file of a project.
pub fn project(name: &str, callback: &str) -> Settings {
    let pki = pki();
    let types =
        r#"["application/pdf", "image/png", "image/jpeg", "image/tiff", "text/plain"]"#.to_owned();
    Settings::from([
        pair("project", name),
        ("media_types".to_owned(), types),
        pair("callback.url", callback),
        file("callback.certificate", &pki.outbound.certificate),
        file("callback.key_file", &pki.outbound.key),
        file("callback.ca", &pki.root),
        file("callback.webhook_key_file", &pki.webhook_key),
        ("callback.allow".to_owned(), r#"["localhost"]"#.to_owned()),
    ])
}

/// The settings as a file's text.
pub fn text(settings: &Settings) -> String {
    settings
        .iter()
        .fold(String::new(), |mut text, (key, value)| {
            let _ = writeln!(text, "{key} = {value}");
            text
        })
}

fn pair(key: &str, value: impl ToString) -> (String, String) {
    (key.to_owned(), format!("{:?}", value.to_string()))
}

fn file(key: &str, path: &Path) -> (String, String) {
    pair(key, path.display())
}
