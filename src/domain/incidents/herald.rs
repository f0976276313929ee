//! The ways out of news: the mail server, and each project's ticketing tool; made once, shared by all jobs.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    config::{Config, Smtp, Tool},
    domain::returns::courier::{read, secret},
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
    },
    outbound::{
        callback::{Sender, Settings, Signer},
        smtp::{self, Mailer},
    },
};

/// How long a ticketing tool may take to answer the connection, and in all.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one push may take in all.
pub const PUSH: Duration = Duration::from_secs(30);

/// The ways out. A cheap handle.
#[derive(Clone)]
pub struct Herald {
    mailer: Option<Arc<Mailer>>,
    hub: Option<Arc<Mailer>>,
    tools: Arc<HashMap<Option<String>, Arc<Sender>>>,
}

impl Herald {
    /// Makes every way out of the settings. Fails with code `configuration`, all faults in one report.
    pub fn new(config: &Config, clock: &Clock) -> Result<Self> {
        let mut faults = Vec::new();
        let smtp = config.gateway.smtp.as_ref();
        let hub = config.gateway.hubee.as_ref();
        let hub = hub.and_then(|hub| hub.mail_from.as_deref());
        let mut made = |from: Option<&str>| {
            let made = smtp.map(|smtp| mailer(smtp, from)).transpose();
            made.unwrap_or_else(|fault| {
                faults.push(format!("smtp: {fault}"));
                None
            })
        };
        let mailer = made(None).map(Arc::new);
        let hub = match hub {
            Some(from) => made(Some(from)).map(Arc::new),
            None => mailer.clone(),
        };
        let mut tools = HashMap::new();
        let projects = config.projects.keys().cloned().map(Some);
        for project in projects.chain([None]) {
            match config
                .alerts(project.as_deref())
                .tool
                .map(|tool| sender(&tool, clock))
            {
                Some(Ok(sender)) => drop(tools.insert(project, Arc::new(sender))),
                Some(Err(fault)) => faults.push(format!(
                    "incidents.webhook_url of {}: {fault}",
                    project.as_deref().unwrap_or("the gateway")
                )),
                None => {}
            }
        }
        match faults.is_empty() {
            true => Ok(Self {
                mailer,
                hub,
                tools: Arc::new(tools),
            }),
            false => Err(Fault::new(Code::Configuration, faults.join("\n"))),
        }
    }

    /// The mail server, where there is one.
    pub(super) fn mailer(&self) -> Option<Arc<Mailer>> {
        self.mailer.clone()
    }

    /// The same with the hub's own sender, where it has one.
    pub(crate) fn hub_mailer(&self) -> Option<Arc<Mailer>> {
        self.hub.clone()
    }

    /// The ticketing tool of `project`, or of the gateway itself.
    pub(super) fn tool(&self, project: Option<&str>) -> Option<Arc<Sender>> {
        self.tools.get(&project.map(str::to_owned)).cloned()
    }
}

/// A mailer that sends in the name of `from`, or of the settings' own sender.
fn mailer(settings: &Smtp, from: Option<&str>) -> Result<Mailer> {
    let login = settings.login.as_ref();
    let login = login.map(|(user, file)| Ok::<_, Fault>((user.clone(), secret(file)?)));
    Mailer::new(smtp::Settings {
        host: settings.host.clone(),
        port: settings.port,
        wrapped: settings.wrapped,
        ca_pem: read(&settings.ca)?,
        login: login.transpose()?,
        from: from.unwrap_or(&settings.from).to_owned(),
        timeout: settings.timeout,
    })
}

fn sender(tool: &Tool, clock: &Clock) -> Result<Sender> {
    let signer = Signer::load(&secret(&tool.webhook_key_file)?)?;
    let signer = match &tool.webhook_secret_file {
        Some(shared) => signer.with_shared(&secret(shared)?)?,
        None => signer,
    };
    let (certificate_pem, key_pem) = match &tool.certificate {
        Some((certificate, key)) => (read(certificate)?, read(key)?),
        None => (Vec::new(), Vec::new()),
    };
    let settings = Settings {
        url: tool.url.clone(),
        certificate_pem,
        key_pem,
        ca_pem: read(&tool.ca)?,
        allow: tool.allow_hosts.clone(),
        connect_timeout: CONNECT,
        timeout: PUSH,
        signer,
    };
    Sender::new(settings, clock.clone())
}
