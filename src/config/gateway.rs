//! `navette.toml`: the settings of the gateway itself.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    alerts::{Alerts, Smtp},
    antivirus::Antivirus,
    hubee::{self, Hubee},
    reader::Reader,
    tls::TlsFiles,
};

/// The gateway's own settings. Relative paths start at the settings file's folder.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The name that every row and receipt carries, such as `production` or `recette`.
    pub environment: String,
    /// Where the embedded database and the blobs live.
    pub data_dir: PathBuf,
    /// The API's listener.
    pub listen: Listen,
    /// The loopback listener of health and metrics of `navette serve`.
    pub health: SocketAddr,
    /// The same of `navette worker`; port 0 takes a free one, so that several may run on one machine.
    pub worker_health: SocketAddr,
    /// The database.
    pub database: Database,
    /// The file of the master key: 64 hexadecimal digits.
    pub master_key_file: PathBuf,
    /// Who signs receipts.
    pub receipts: Receipts,
    /// How access tokens are made.
    pub tokens: Tokens,
    /// What a request may take.
    pub limits: Limits,
    /// How jobs are worked.
    pub worker: Worker,
    /// The children that open documents.
    pub sandbox: Sandbox,
    /// When the purge runs.
    pub purge: Purge,
    /// The antivirus, where there is one.
    pub antivirus: Option<Antivirus>,
    /// The mail server, where there is one.
    pub smtp: Option<Smtp>,
    /// Who is told of incidents, where a project does not say it itself.
    pub alerts: Alerts,
    /// The HubEE hub, where it is on.
    pub hubee: Option<Hubee>,
}

/// The purge of each night.
#[derive(Clone, Copy, Debug)]
pub struct Purge {
    /// Hour and minute of legal time.
    pub at: (i8, i8),
}

/// The HTTPS listener.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Where it listens.
    pub address: SocketAddr,
    /// The URL that clients know it by, without a trailing slash: the tokens' issuer and audience.
    pub public_url: String,
    /// Its certificate chain and key.
    pub tls: TlsFiles,
    /// The certificate authorities of clients, PEM.
    pub client_ca: PathBuf,
    /// Their revocation lists, PEM, where there are any.
    pub client_crl: Option<PathBuf>,
    /// How many connections may be open at once.
    pub connections: usize,
}

/// Where the rows are.
#[derive(Clone, Debug)]
pub enum Database {
    /// The embedded file `navette.db` of the data folder.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// How many threads read.
        readers: usize,
    },
    /// A PostgreSQL server.
    Postgres {
        /// `postgres://user@host/database`.
        url: String,
        /// The file of the password, where the URL has none.
        password_file: Option<PathBuf>,
        /// How many connections each process holds.
        connections: usize,
    },
}

/// The receipts' signer.
#[derive(Clone, Debug)]
pub struct Receipts {
    /// Its certificate (ECDSA P-256, emailProtection) and key.
    pub signer: TlsFiles,
    /// The folder of the certificates (`*.pem`) of those who signed before.
    pub earlier: Option<PathBuf>,
}

/// Access tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The signing keys (EC P-256, PKCS#8 PEM): the first signs, all verify.
    pub key_files: Vec<PathBuf>,
    /// How long a token lives.
    pub lifetime: Duration,
}

/// What a request may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A complete transaction, in bytes: request body as received plus return body as sent (API-3).
    pub transaction: u64,
    /// The part of it that is kept for the return.
    pub return_reserve: u64,
    /// How long a body may take in all.
    pub body_deadline: Duration,
    /// The least rate of a body in bytes a second, once the grace is over.
    pub body_rate: u64,
    /// How long a body may be slower than that.
    pub body_grace: Duration,
    /// The longest silence of a body, however fast it was before.
    pub body_silence: Duration,
    /// How long the idempotency key of a request that died stays taken; a living request renews its claim.
    pub idempotency_lease: Duration,
    /// The most bytes of an archive, as it lies on its depot and once unpacked.
    pub archive: u64,
}

impl Limits {
    /// The most bytes that a request body may have.
    pub fn request(&self) -> u64 {
        self.transaction.saturating_sub(self.return_reserve)
    }
}

/// How jobs are worked.
#[derive(Clone, Debug)]
pub struct Worker {
    /// How many documents are processed at once.
    pub processing: usize,
    /// How many deliveries run at once for one project: a slow partner holds only these.
    pub deliveries: usize,
    /// How long a job is leased: what a worker that died keeps others from. A living worker renews its leases.
    pub lease: Duration,
    /// How long the processing of one exchange may take.
    pub job_deadline: Duration,
    /// How long a graceful stop waits for the jobs that run; then they are handed back.
    pub grace: Duration,
}

/// The children that open documents.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// How many are kept warm.
    pub children: usize,
    /// The address space of each, in bytes.
    pub memory: u64,
    /// How long one document may take.
    pub deadline: Duration,
}

const MIB: u64 = 1024 * 1024;

impl Gateway {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let data_dir = reader.path("data_dir", "data");
        let limits = Limits::read(reader);
        let has_antivirus = reader.optional_text("antivirus.address").is_some();
        let hubee = Hubee::read(reader, has_antivirus);
        let scanned = hubee.as_ref().filter(|hub| hub.antivirus);
        let largest = scanned.map_or(0, |_| hubee::LARGEST_ATTACHMENT);
        Self {
            environment: reader
                .optional_text("environment")
                .unwrap_or_else(|| "production".to_owned()),
            listen: Listen::read(reader),
            health: loopback(reader, "health.address", "127.0.0.1:9180"),
            worker_health: loopback(reader, "health.worker_address", "127.0.0.1:0"),
            database: Database::read(reader, &data_dir),
            master_key_file: reader.file("keys.master_key_file"),
            receipts: Receipts {
                signer: TlsFiles::read(reader, "receipts"),
                earlier: reader.optional_file("receipts.earlier_signers"),
            },
            tokens: Tokens::read(reader),
            antivirus: Antivirus::read(reader, limits.request().max(largest)),
            limits,
            worker: Worker {
                processing: reader.number("worker.processing", 12, 1, 256) as usize,
                deliveries: reader.number("worker.deliveries_per_project", 32, 1, 1024) as usize,
                lease: reader.seconds("worker.lease_seconds", 12, 3600),
                job_deadline: reader.seconds("worker.job_deadline_seconds", 180, 3600),
                grace: reader.seconds("worker.grace_seconds", 40, 600),
            },
            sandbox: Sandbox {
                children: reader.number("sandbox.children", 2, 1, 64) as usize,
                memory: reader.number("sandbox.memory_mb", 512, 64, 16_384) * MIB,
                deadline: reader.seconds("sandbox.deadline_seconds", 10, 60),
            },
            purge: Purge {
                at: reader.time_of_day("purge.at", (2, 30)),
            },
            smtp: Smtp::read(reader),
            alerts: alerts(reader),
            hubee,
            data_dir,
        }
    }
}

fn alerts(reader: &mut Reader) -> Alerts {
    let alerts = Alerts::read(reader);
    if !alerts.contacts.is_empty() && reader.optional_text("smtp.host").is_none() {
        reader.wrong("incidents.contacts", "no smtp.host to send mails by");
    }
    alerts
}

fn loopback(reader: &mut Reader, key: &str, default: &str) -> SocketAddr {
    let address = reader.address(key, default);
    if !address.ip().is_loopback() {
        reader.wrong(
            key,
            "must be a loopback address: it asks for no credentials",
        );
    }
    address
}

impl Listen {
    fn read(reader: &mut Reader) -> Self {
        let public_url = reader.text("listen.public_url");
        if !public_url.is_empty()
            && (!public_url.starts_with("https://") || public_url.ends_with('/'))
        {
            reader.wrong(
                "listen.public_url",
                "expected https://host[:port] without a trailing slash",
            );
        }
        Self {
            address: reader.address("listen.address", "127.0.0.1:8443"),
            public_url,
            tls: TlsFiles::read(reader, "listen"),
            client_ca: reader.file("listen.client_ca"),
            client_crl: reader.optional_file("listen.client_crl"),
            connections: reader.number("listen.connections", 8192, 1, 1_000_000) as usize,
        }
    }
}

impl Database {
    fn read(reader: &mut Reader, data_dir: &std::path::Path) -> Self {
        let connections = reader.number("database.connections", 16, 1, 256) as usize;
        let password_file = reader.optional_file("database.password_file");
        match reader.optional_text("database.url") {
            None => Self::Sqlite {
                path: data_dir.join("navette.db"),
                readers: connections.min(4),
            },
            Some(url) => {
                if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                    reader.wrong(
                        "database.url",
                        "expected postgres://…; leave it out for SQLite",
                    );
                }
                Self::Postgres {
                    url,
                    password_file,
                    connections,
                }
            }
        }
    }
}

impl Tokens {
    fn read(reader: &mut Reader) -> Self {
        Self {
            key_files: token_keys(reader),
            lifetime: reader.seconds("tokens.lifetime_seconds", 86_400, 30 * 86_400),
        }
    }
}

/// One signing key, and the files of earlier ones that still verify.
fn token_keys(reader: &mut Reader) -> Vec<PathBuf> {
    let mut files = vec![reader.file("tokens.key_file")];
    files.extend(reader.optional_file("tokens.previous_key_file"));
    files
}

impl Limits {
    fn read(reader: &mut Reader) -> Self {
        let limits = Self {
            transaction: reader.number(
                "limits.transaction_bytes",
                20_000_000,
                200_000,
                10_000_000_000,
            ),
            return_reserve: reader.number("limits.return_reserve_bytes", 64_000, 16_000, 1_000_000),
            body_deadline: reader.seconds("limits.body_deadline_seconds", 300, 3600),
            body_rate: reader.number("limits.body_bytes_per_second", 1000, 1, 1_000_000_000),
            body_grace: reader.seconds("limits.body_grace_seconds", 10, 300),
            body_silence: reader.seconds("limits.body_silence_seconds", 20, 300),
            idempotency_lease: reader.seconds("limits.idempotency_lease_seconds", 20, 600),
            archive: reader.number(
                "limits.archive_bytes",
                50_000_000_000,
                1_000_000,
                1_000_000_000_000,
            ),
        };
        if limits.return_reserve >= limits.transaction {
            reader.wrong(
                "limits.return_reserve_bytes",
                "must be less than limits.transaction_bytes",
            );
        }
        limits
    }
}
