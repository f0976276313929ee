//! The demonstration's folder: settings, free ports, and where everything lies.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use toml::Value;

use crate::kernel::fault::{Code, Fault, Result};

/// The project that is configured.
pub const PROJECT: &str = "demo";
/// The application that sends.
pub const APPLICATION: &str = "asp-demo";
/// The client that it signs in as.
pub const CLIENT: &str = "demo";
/// The depot's name in the settings.
pub const DEPOT: &str = "demo";
/// What the project takes.
const MEDIA_TYPES: [&str; 5] = [
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/tiff",
    "text/plain",
];

/// A folder that this process has for itself.
pub struct Stage {
    dir: PathBuf,
    pki: PathBuf,
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where health and metrics are.
    pub health: SocketAddr,
    /// Where the hub listens.
    hub: SocketAddr,
    /// What the project's exchanges go on as, and to whom, where the hub is shown.
    forward: Option<(String, String)>,
    _lock: File,
}

impl Stage {
    /// Takes the folder and finds free ports; `port` is the API's where it is free, 0 for any.
    ///
    /// Fails where another demonstration has the folder, or where the certificates are missing.
    pub fn prepare(dir: &Path, pki: Option<&Path>, port: u16) -> Result<Self> {
        let dir = std::path::absolute(dir).map_err(|error| unusable(dir, error))?;
        for folder in ["projects", "receipts", "returns"].map(|name| dir.join(name)) {
            fs::create_dir_all(&folder).map_err(|error| unusable(&folder, error))?;
        }
        let pki = std::path::absolute(pki.unwrap_or(&dir.join("pki")));
        let pki = pki.map_err(|error| unusable(&dir, error))?;
        if !pki.join("server.pem").exists() {
            return Err(no_certificates(&pki));
        }
        // All are held until all are known, so that they differ.
        let (api, health, hub) = (free(port)?, free(0)?, free(0)?);
        Ok(Self {
            _lock: locked(&dir)?,
            api: address(&api)?,
            health: address(&health)?,
            hub: address(&hub)?,
            forward: None,
            dir,
            pki,
        })
    }

    /// Writes `navette.toml` and the project's file; returns go to `callback`.
    pub fn write(&self, callback: &str) -> Result<()> {
        let project = self.dir.join("projects").join(format!("{PROJECT}.toml"));
        put(&project, self.project(callback))?;
        put(&self.settings(), self.gateway())
    }

    /// Has the hub open, and the project's exchanges go on as télédossiers of a process for a recipient.
    pub fn with_hub(mut self, process: &str, recipient: &str) -> Self {
        self.forward = Some((process.to_owned(), recipient.to_owned()));
        self
    }

    /// The address of a path of the hub.
    pub fn hub_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.hub.port())
    }

    fn gateway(&self) -> String {
        let mut settings = self.of_gateway();
        if self.forward.is_some() {
            settings.extend([
                ("hubee.address", self.hub.to_string().into()),
                ("hubee.public_url", self.hub_url("").into()),
                ("hubee.certificate", self.pki_value("server.pem")),
                ("hubee.key_file", self.pki_value("server.key")),
            ]);
        }
        lines(&settings)
    }

    fn of_gateway(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("environment", "demo".into()),
            ("data_dir", "data".into()),
            ("listen.address", self.api.to_string().into()),
            ("listen.public_url", self.url("").into()),
            ("listen.certificate", self.pki_value("server.pem")),
            ("listen.key_file", self.pki_value("server.key")),
            ("listen.client_ca", self.pki_value("ca.pem")),
            ("health.address", self.health.to_string().into()),
            ("keys.master_key_file", self.pki_value("master.key")),
            ("receipts.certificate", self.pki_value("receipts-chain.pem")),
            ("receipts.key_file", self.pki_value("receipts.key")),
            ("tokens.key_file", self.pki_value("tokens.key")),
        ]
    }

    fn project(&self, callback: &str) -> String {
        let mut settings = self.of_project(callback);
        if let Some((process, recipient)) = &self.forward {
            settings.extend([
                ("forward.hubee", process.as_str().into()),
                ("forward.recipient", recipient.as_str().into()),
            ]);
        }
        lines(&settings)
    }

    fn of_project(&self, callback: &str) -> Vec<(&'static str, Value)> {
        vec![
            ("project", PROJECT.into()),
            ("media_types", list(&MEDIA_TYPES)),
            ("callback.url", callback.into()),
            ("callback.certificate", self.pki_value("outbound.pem")),
            ("callback.key_file", self.pki_value("outbound.key")),
            ("callback.ca", self.pki_value("ca.pem")),
            ("callback.webhook_key_file", self.pki_value("webhook.key")),
            ("callback.allow", list(&["localhost"])),
            ("return.depot", DEPOT.into()),
            ("return.flow", "retours".into()),
        ]
    }

    fn pki_value(&self, name: &str) -> Value {
        self.pki(name).to_string_lossy().into_owned().into()
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.dir.join("navette.toml")
    }

    /// A file or folder of the demonstration.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A file of the certificates' folder.
    pub fn pki(&self, name: &str) -> PathBuf {
        self.pki.join(name)
    }

    /// The address of a path of the API.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.api.port())
    }

    /// Where the client's secret is kept between two runs.
    pub fn secret(&self) -> PathBuf {
        self.dir.join("client.secret")
    }
}

/// Reads a file of the stage. Fails with code `configuration`.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| unusable(path, error))
}

/// Writes a file of the stage. Fails with code `configuration`.
pub fn put(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, content).map_err(|error| unusable(path, error))
}

fn lines(settings: &[(&str, Value)]) -> String {
    let lines = settings.iter();
    lines
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect()
}

fn list(texts: &[&str]) -> Value {
    Value::Array(texts.iter().map(|text| (*text).into()).collect())
}

/// One demonstration at a time: two gateways must not write one folder's settings in turn.
fn locked(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(|error| unusable(&path, error))?;
    file.try_lock().map_err(|_| {
        let detail = format!(
            "{} is in use by another `navette demo` (or `make run`): stop it, or name another folder with --dir",
            dir.display()
        );
        Fault::new(Code::Usage, detail)
    })?;
    Ok(file)
}

fn free(wanted: u16) -> Result<TcpListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bind(wanted)
        .or_else(|_| bind(0))
        .map_err(Fault::unavailable)
}

fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(Fault::unavailable)
}

fn unusable(path: &Path, error: std::io::Error) -> Fault {
    Fault::new(Code::Configuration, format!("{}: {error}", path.display()))
}

fn no_certificates(pki: &Path) -> Fault {
    let detail = format!(
        "no certificates in {0}: run `certs/make-pki.sh {0}` first (`make demo` does)",
        pki.display()
    );
    Fault::new(Code::Configuration, detail)
}

/// Writes a file that only its owner may read.
pub fn put_secret(path: &Path, secret: &str) -> Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(path);
    file.and_then(|mut file| file.write_all(secret.as_bytes()))
        .map_err(|error| unusable(path, error))
}
