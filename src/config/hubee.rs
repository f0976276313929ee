//! `[hubee]`: the hub, on a listener of its own. Without `hubee.address` there is none.

use std::{net::SocketAddr, time::Duration};

use super::{reader::Reader, tls::TlsFiles};

/// The largest attachment, in bytes (1 GiB).
pub const LARGEST_ATTACHMENT: u64 = 1_073_741_824;

/// The project that the hub's folders are exchanges of; no settings file may have its name.
pub(super) const PROJECT: &str = "hubee";

/// The settings of the hub.
#[derive(Clone, Debug)]
pub struct Hubee {
    /// Where it listens, without client certificates.
    pub address: SocketAddr,
    /// The URL that clients know it by, without a trailing slash: the issuer and audience of its tokens.
    pub public_url: String,
    /// Its certificate chain and key.
    pub tls: TlsFiles,
    /// How many connections may be open at once.
    pub connections: usize,
    /// How long a token lives.
    pub token_lifetime: Duration,
    /// How long the upload of an attachment may take.
    pub body_deadline: Duration,
    /// Whether attachments must be found clean.
    pub antivirus: bool,
    /// Hour and minute of legal time of the daily batches.
    pub batches_at: (i8, i8),
    /// Hour and minute of legal time of the mails that tell a day's cases.
    pub digest_at: (i8, i8),
    /// The sender of its mails, where it is not the mail server's usual one.
    pub mail_from: Option<String>,
}

impl Hubee {
    /// Reads the section; `None` without an address. Without a word of its own, the hub has its attachments looked at where
    /// there is an antivirus.
    pub(super) fn read(reader: &mut Reader, has_antivirus: bool) -> Option<Self> {
        let address = reader.optional_text("hubee.address");
        let hub = Self {
            address: reader.address("hubee.address", "127.0.0.1:8444"),
            public_url: reader.optional_text("hubee.public_url").unwrap_or_default(),
            tls: TlsFiles {
                certificate: reader
                    .optional_file("hubee.certificate")
                    .unwrap_or_default(),
                key: reader.optional_file("hubee.key_file").unwrap_or_default(),
            },
            connections: reader.number("hubee.connections", 4096, 1, 1_000_000) as usize,
            token_lifetime: reader.seconds("hubee.token_lifetime_seconds", 86_400, 30 * 86_400),
            body_deadline: reader.seconds("hubee.body_deadline_seconds", 3600, 86_400),
            antivirus: antivirus(reader, has_antivirus),
            batches_at: reader.time_of_day("hubee.batches_at", (3, 30)),
            digest_at: reader.time_of_day("hubee.digest_at", (7, 0)),
            mail_from: reader.optional_text("hubee.mail_from"),
        };
        address.map(|_| hub.needing(reader))
    }

    /// Says what a hub cannot do without.
    fn needing(self, reader: &mut Reader) -> Self {
        for key in ["hubee.public_url", "hubee.certificate", "hubee.key_file"] {
            reader.text(key);
        }
        let url = &self.public_url;
        if !url.is_empty() && (!url.starts_with("https://") || url.ends_with('/')) {
            let detail = "expected https://host[:port] without a trailing slash";
            reader.wrong("hubee.public_url", detail);
        }
        if reader.optional_text("listen.public_url").as_ref() == Some(url) {
            let detail = "must differ from listen.public_url: tokens of one are none of the other";
            reader.wrong("hubee.public_url", detail);
        }
        self
    }
}

fn antivirus(reader: &mut Reader, there_is_one: bool) -> bool {
    match reader.optional_text("hubee.antivirus").as_deref() {
        None => there_is_one,
        Some("off") => false,
        Some("required") if there_is_one => true,
        Some("required") => {
            reader.wrong(
                "hubee.antivirus",
                "no [antivirus] in the gateway's settings",
            );
            false
        }
        Some(_) => {
            reader.wrong("hubee.antivirus", "expected \"required\" or \"off\"");
            false
        }
    }
}
