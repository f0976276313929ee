//! Who is told of incidents, and how: the mail server, the contacts, the telephone, the ticketing tool (TRC-2).

use std::{path::PathBuf, time::Duration};

use super::reader::Reader;

/// The most addresses that one mail goes to: each is a transaction of its own with the server.
pub const CONTACTS: usize = 20;

/// Who is told of incidents. A project's own settings take the place of the gateway's, key by key.
#[derive(Clone, Debug)]
pub struct Alerts {
    /// The addresses that get a mail.
    pub contacts: Vec<String>,
    /// The number to call, shown with each incident.
    pub telephone: Option<String>,
    /// The ticketing tool that incidents are pushed to.
    pub tool: Option<Tool>,
}

/// A ticketing tool: incidents are POSTed to it, signed as Standard Webhooks ask.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Where: an https URL.
    pub url: String,
    /// The authorities that its certificate must come from, PEM.
    pub ca: PathBuf,
    /// Our client certificate and its key, PEM, where it asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The file of the ed25519 key that signs (`whsk_…`).
    pub webhook_key_file: PathBuf,
    /// The file of a secret shared with it (`whsec_…`), where it checks by a published library.
    pub webhook_secret_file: Option<PathBuf>,
    /// Hosts inside the network that are allowed by name.
    pub allow_hosts: Vec<String>,
}

impl Alerts {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let contacts = reader.list("incidents.contacts");
        if !contacts.iter().all(|contact| is_address(contact)) {
            reader.wrong(
                "incidents.contacts",
                "expected mail addresses, such as \"exploitation@example.org\"",
            );
        }
        if contacts.len() > CONTACTS {
            reader.wrong(
                "incidents.contacts",
                "20 addresses at most: name a list of them instead",
            );
        }
        Self {
            contacts,
            telephone: reader.optional_text("incidents.telephone"),
            tool: Tool::read(reader),
        }
    }

    /// These settings, and `general` where they say nothing.
    pub fn or(&self, general: &Self) -> Self {
        Self {
            contacts: match self.contacts.is_empty() {
                true => general.contacts.clone(),
                false => self.contacts.clone(),
            },
            telephone: self.telephone.clone().or(general.telephone.clone()),
            tool: self.tool.clone().or(general.tool.clone()),
        }
    }
}

impl Tool {
    fn read(reader: &mut Reader) -> Option<Self> {
        let url = reader.optional_text("incidents.webhook_url");
        let ca = reader.optional_file("incidents.webhook_ca");
        let certificate = reader.optional_file("incidents.webhook_certificate");
        let certificate_key = reader.optional_file("incidents.webhook_certificate_key_file");
        if certificate.is_some() != certificate_key.is_some() {
            reader.wrong(
                "incidents.webhook_certificate",
                "goes together with incidents.webhook_certificate_key_file",
            );
        }
        let key = reader.optional_file("incidents.webhook_key_file");
        let webhook_secret_file = reader.optional_file("incidents.webhook_secret_file");
        let allow_hosts = reader.list("incidents.webhook_allow_hosts");
        let url = url?;
        if !url.starts_with("https://") {
            reader.wrong("incidents.webhook_url", "expected an https:// URL");
        }
        Some(Self {
            url,
            ca: needed(reader, "incidents.webhook_ca", ca),
            certificate: certificate.zip(certificate_key),
            webhook_key_file: needed(reader, "incidents.webhook_key_file", key),
            webhook_secret_file,
            allow_hosts,
        })
    }
}

/// The mail server that takes what the gateway sends. Never without TLS.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection begins with TLS, or asks for it by STARTTLS and goes no further without.
    pub wrapped: bool,
    /// The authorities that its certificate must come from, PEM.
    pub ca: PathBuf,
    /// Who signs in, and the file of the password, where the server asks for it.
    pub login: Option<(String, PathBuf)>,
    /// The sender's address.
    pub from: String,
    /// How long one mail may take in all.
    pub timeout: Duration,
}

impl Smtp {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let host = reader.optional_text("smtp.host");
        let port = reader.number("smtp.port", 587, 1, 65_535) as u16;
        let wrapped = wrapped(reader);
        let ca = reader.optional_file("smtp.ca");
        let user = reader.optional_text("smtp.user");
        let password = reader.optional_file("smtp.password_file");
        let from = reader.optional_text("smtp.from");
        let timeout = reader.seconds("smtp.timeout_seconds", 30, 300);
        if user.is_some() != password.is_some() {
            reader.wrong("smtp.user", "goes together with smtp.password_file");
        }
        let host = host?;
        Some(Self {
            host,
            port,
            wrapped,
            ca: needed(reader, "smtp.ca", ca),
            login: user.zip(password),
            from: sender(reader, from),
            timeout,
        })
    }
}

fn wrapped(reader: &mut Reader) -> bool {
    let security = reader.optional_text("smtp.security");
    match security.as_deref() {
        None | Some("starttls") => false,
        Some("tls") => true,
        Some(_) => {
            reader.wrong("smtp.security", "expected \"starttls\" or \"tls\"");
            false
        }
    }
}

fn sender(reader: &mut Reader, from: Option<String>) -> String {
    let from = from.unwrap_or_default();
    if !is_address(&from) {
        reader.wrong(
            "smtp.from",
            "expected a mail address, such as \"navette@example.org\"",
        );
    }
    from
}

/// What must be given beside a key that is there.
fn needed(reader: &mut Reader, key: &str, value: Option<PathBuf>) -> PathBuf {
    value.unwrap_or_else(|| {
        reader.wrong(key, "missing");
        PathBuf::new()
    })
}

/// Whether `text` reads as one mail address without a name; the mail server has the last word.
fn is_address(text: &str) -> bool {
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_graphic() && !"<>()[]\\,;:\"@".contains(c);
        !part.is_empty() && part.chars().all(fits)
    };
    let parts = text.split_once('@');
    text.len() <= 254 && parts.is_some_and(|(local, domain)| plain(local) && plain(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_mailbox_and_nothing_around_it() {
        for good in ["a@b.example", "astreinte+navette@sub.example.org"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "A <a@b>",
            "a@b\r\nBcc: c@d",
            "a@b,c@d",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
