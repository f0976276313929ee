//! Mail: one message to one address by the configured server, with TLS and under one deadline.
//!
//! Nothing here is stored and nothing waits for the next attempt: that is the job's part. A refusal says whether trying
//! again can help, and why in a word that holds no address.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self, Error,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use uuid::Uuid;

use crate::kernel::{
    fault::{Code, Fault, Result},
    gathering::Gathering,
    secret::Secret,
};

/// Where and how mails leave.
pub struct Settings {
    /// The server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection begins with TLS; else STARTTLS, and nothing without.
    pub wrapped: bool,
    /// The only authorities that its certificate may come from, PEM.
    pub ca_pem: Vec<u8>,
    /// Who signs in, where the server asks for it.
    pub login: Option<(String, Secret)>,
    /// The sender's address.
    pub from: String,
    /// How long one mail may take in all.
    pub timeout: Duration,
}

/// The way out of mails. Shared between jobs.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

/// A mail.
pub struct Mail<'a> {
    /// Its id: the same over retries, so that a reader's program can tell them.
    pub id: Uuid,
    /// Its date.
    pub at: Timestamp,
    /// The one address that it goes to.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Whether trying again is pointless.
    pub permanent: bool,
    /// Why, without an address: `smtp-550`, `timeout`, `tls`, `connection`, `message`.
    pub reason: String,
}

impl Mailer {
    /// Takes the settings. Fails with code `configuration` where the sender's address or the authorities do not read, each at
    /// its key: `from`, `ca`.
    pub fn new(settings: Settings) -> Result<Self> {
        let mut faults = Gathering::default();
        let from = settings.from.parse();
        let from = from.map_err(|error| unfit("adresse de l'expéditeur illisible").because(error));
        let from = faults.keep("from", from);
        let parameters = faults.keep("ca", tls(&settings));
        let sound = from.zip(parameters);
        let (from, parameters) =
            faults.finish("Serveur de courriel : réglages inutilisables.", sound)?;
        let tls = match settings.wrapped {
            true => Tls::Wrapper(parameters),
            false => Tls::Required(parameters),
        };
        // "Dangerous" until the line that demands TLS.
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .tls(tls)
            .port(settings.port)
            .timeout(Some(settings.timeout));
        if let Some((user, password)) = settings.login {
            builder = builder.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            from,
            timeout: settings.timeout,
        })
    }

    /// Sends one mail; it has left once this comes back.
    pub async fn send(&self, mail: &Mail<'_>) -> Result<(), Refusal> {
        let message = self.message(mail)?;
        let sent = tokio::time::timeout(self.timeout, self.transport.send(message));
        match sent.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(temporary("timeout")),
        }
    }

    fn message(&self, mail: &Mail<'_>) -> Result<Message, Refusal> {
        let unreadable = |_| permanent("message");
        let to: Mailbox = mail.to.parse().map_err(|_| permanent("message"))?;
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .date(SystemTime::from(mail.at))
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            // No absence note shall answer it (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.to_owned())
            .map_err(unreadable)
    }
}

fn tls(settings: &Settings) -> Result<TlsParameters> {
    let unreadable = |error: Error| unfit("autorité du serveur illisible").because(error);
    let roots = authorities(&settings.ca_pem)?;
    let mut builder =
        TlsParameters::builder(settings.host.clone()).certificate_store(CertificateStore::None);
    for authority in roots {
        builder = builder.add_root_certificate(authority);
    }
    builder.build_rustls().map_err(unreadable)
}

/// Every authority of a PEM file. Fails with code `configuration` where there is none.
fn authorities(pem: &[u8]) -> Result<Vec<Certificate>> {
    let unreadable = || unfit("autorité du serveur illisible");
    let chain = openssl::x509::X509::stack_from_pem(pem);
    let chain = chain.map_err(|error| unreadable().because(error))?;
    if chain.is_empty() {
        return Err(unreadable());
    }
    let read = |authority: &openssl::x509::X509| {
        let der = authority.to_der().map_err(Fault::internal)?;
        Certificate::from_der(der).map_err(|error| unreadable().because(error))
    };
    chain.iter().map(read).collect()
}

fn refusal(error: &Error) -> Refusal {
    let reason = match error.status() {
        Some(code) => format!("smtp-{code}"),
        None if error.is_timeout() => "timeout".to_owned(),
        None if error.is_tls() => "tls".to_owned(),
        None => "connection".to_owned(),
    };
    Refusal {
        permanent: error.is_permanent() && !error.status().is_some_and(is_about_us),
        reason,
    }
}

/// Whether a server that answers this wants another proof of who we are (RFC 4954, 6): that is mended here, and says nothing of
/// whom a mail is for.
fn is_about_us(code: smtp::response::Code) -> bool {
    matches!(&*code.to_string(), "530" | "534" | "535" | "538")
}

fn temporary(reason: &str) -> Refusal {
    Refusal {
        permanent: false,
        reason: reason.to_owned(),
    }
}

fn permanent(reason: &str) -> Refusal {
    Refusal {
        permanent: true,
        reason: reason.to_owned(),
    }
}

fn unfit(why: &str) -> Fault {
    Fault::new(Code::Configuration, format!("Serveur de courriel : {why}."))
}
