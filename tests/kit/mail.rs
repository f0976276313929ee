//! A real SMTP server, in a process of its own: STARTTLS, TLS or (what the gateway must refuse) neither.
//!
//! Addresses that begin with `absent` are refused for good, those that begin with `busy` for now, those that begin with
//! `grey` for now the first time.

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use serde_json::Value;

use super::{
    gateway::Kit,
    pki::pki,
    ports,
    process::{self, Fate},
    scratch, wait,
};

/// Long enough to make its environment the first time.
const MADE: Duration = Duration::from_secs(120);

/// How the server speaks.
#[derive(Clone, Copy, Debug)]
pub enum Speech {
    /// In clear, until STARTTLS.
    StartTls,
    /// By TLS from the first byte.
    Tls,
    /// In clear.
    Plain,
}

/// A mail server that runs, or is to be started; killed when dropped.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    speech: Speech,
    dir: PathBuf,
    child: Option<Child>,
}

impl MailServer {
    /// Starts one.
    pub fn start(speech: Speech) -> Self {
        let mut server = Self::absent(speech);
        server.appear();
        server
    }

    /// One that does not run yet; its port is known.
    pub fn absent(speech: Speech) -> Self {
        Self {
            port: ports::free(),
            speech,
            dir: scratch::fresh("mail"),
            child: None,
        }
    }

    /// Starts it, and comes back when it listens.
    pub fn appear(&mut self) {
        let identity = &pki().partner;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/mail_server.sh");
        let mut command = Command::new(script);
        command
            .arg(self.port.to_string())
            .arg(&identity.certificate)
            .arg(&identity.key)
            .arg(match self.speech {
                Speech::StartTls => "starttls",
                Speech::Tls => "tls",
                Speech::Plain => "plain",
            })
            .arg(self.mailbox());
        let child = process::start(&command, Fate::Kill, &self.dir.join("server.log"));
        self.child = Some(child.expect("a shell is there"));
        wait::until("mail server", MADE, || {
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// Kills it.
    pub fn vanish(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The kit with this server and these contacts of the gateway.
    pub fn serving(&self, kit: Kit, contacts: &[&str]) -> Kit {
        let password = self.dir.join("password");
        fs::write(&password, "mot-de-passe\n").expect("the scratch directory is writable");
        let security = match self.speech {
            Speech::Tls => "tls",
            Speech::StartTls | Speech::Plain => "starttls",
        };
        kit.set("smtp.host", "\"localhost\"")
            .set("smtp.port", self.port)
            .set("smtp.security", format!("{security:?}"))
            .set("smtp.ca", format!("{:?}", pki().root))
            .set("smtp.user", "\"navette\"")
            .set("smtp.password_file", format!("{password:?}"))
            .set("smtp.from", "\"navette@gateway.example\"")
            .set("smtp.timeout_seconds", 5)
            .set("incidents.contacts", format!("{contacts:?}"))
    }

    /// The mails that it has kept, oldest first.
    pub fn mails(&self) -> Vec<Value> {
        let kept = fs::read_to_string(self.mailbox()).unwrap_or_default();
        let whole = kept.lines().map(serde_json::from_str);
        whole.filter_map(Result::ok).collect()
    }

    /// Waits until it has kept so many, and gives them all.
    pub fn wait_for(&self, count: usize, deadline: Duration) -> Vec<Value> {
        wait::until("mail", deadline, || {
            let mails = self.mails();
            (mails.len() >= count).then_some(mails)
        })
    }

    fn mailbox(&self) -> PathBuf {
        self.dir.join("mails")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.vanish();
    }
}
