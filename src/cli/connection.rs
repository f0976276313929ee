//! How a command that calls the API is told where it is and who calls.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    kernel::{
        fault::{Code, Fault, Result},
        secret::Secret,
    },
    outbound::piece_api::{Access, PieceApi},
};

/// The gateway and the client that calls it. Each may stand in the environment instead.
#[derive(Args)]
pub(crate) struct Connection {
    /// The gateway's URL, such as https://navette.example:8443.
    #[arg(long, env = "NAVETTE_URL")]
    url: Option<String>,
    /// The client's id.
    #[arg(long, env = "NAVETTE_CLIENT_ID")]
    client_id: Option<String>,
    /// The file that holds the client's secret.
    #[arg(long, env = "NAVETTE_CLIENT_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The client's certificate chain (PEM).
    #[arg(long, env = "NAVETTE_CERTIFICATE", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, env = "NAVETTE_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// The authority of the gateway's own certificate (PEM); the system's where left out.
    #[arg(long, env = "NAVETTE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Connection {
    /// Connects and gets a token.
    pub(crate) async fn open(&self) -> Result<PieceApi> {
        let secret = read(given(
            &self.secret_file,
            "secret-file",
            "CLIENT_SECRET_FILE",
        )?)?;
        let access = Access {
            url: given(&self.url, "url", "URL")?.clone(),
            client_id: given(&self.client_id, "client-id", "CLIENT_ID")?.clone(),
            secret: Secret::new(String::from_utf8_lossy(&secret).trim()),
            certificate_pem: read(given(&self.certificate, "certificate", "CERTIFICATE")?)?,
            key_pem: read(given(&self.key, "key", "KEY")?)?,
            ca_pem: self.ca.as_deref().map(read).transpose()?,
        };
        PieceApi::connect(access).await
    }
}

fn given<'a, T>(value: &'a Option<T>, option: &str, variable: &str) -> Result<&'a T> {
    value.as_ref().ok_or_else(|| {
        let detail = format!("give --{option} (or NAVETTE_{variable})");
        Fault::new(Code::Usage, detail)
    })
}

fn read(file: impl AsRef<Path>) -> Result<Vec<u8>> {
    let file = file.as_ref();
    let refused = |error| Fault::new(Code::Usage, format!("{}: {error}", file.display()));
    fs::read(file).map_err(refused)
}
