//! The ways out of news: the mail server, and each project's ticketing tool; made once, shared by all jobs.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use crate::{
    config::{Config, Smtp, Tool, UNFIT},
    domain::returns::courier::{self, read, secret},
    kernel::{clock::Clock, fault::Result, gathering::Gathering},
    outbound::{
        callback::{Sender, Settings},
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
    /// Makes every way out of the settings. Fails with code `configuration` and every fault, with file and key.
    pub fn new(config: &Config, clock: &Clock) -> Result<Self> {
        let mut faults = Gathering::default();
        let (mailer, hub) = mailers(config, &mut faults);
        let tools = tools(config, clock, &mut faults);
        let made = Self {
            mailer,
            hub,
            tools: Arc::new(tools),
        };
        faults.finish(UNFIT, Some(made))
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

/// The mailer, and that of the hub: the same one, unless it has a sender of its own.
fn mailers(config: &Config, faults: &mut Gathering) -> (Option<Arc<Mailer>>, Option<Arc<Mailer>>) {
    let Some(smtp) = &config.gateway.smtp else {
        return (None, None);
    };
    let mut made = |from: &str, key: &str| {
        let place = |below: &str| match below {
            "smtp.from" => format!("{}:{key}", config.file.display()),
            other => format!("{}:{other}", config.file.display()),
        };
        faults.keep_as(mailer(smtp, from), place).map(Arc::new)
    };
    let general = made(&smtp.from, "smtp.from");
    let hub = config.gateway.hubee.as_ref();
    let hub = match hub.and_then(|hub| hub.mail_from.as_deref()) {
        Some(from) => made(from, "hubee.mail_from"),
        None => general.clone(),
    };
    (general, hub)
}

/// A mailer that sends in the name of `from`. Fails with every fault, each at its key.
fn mailer(settings: &Smtp, from: &str) -> Result<Mailer> {
    let mut faults = Gathering::default();
    let ca_pem = faults.keep("smtp.ca", read(&settings.ca));
    let login = settings.login.as_ref().and_then(|(user, file)| {
        let password = faults.keep("smtp.password_file", secret(file))?;
        Some((user.clone(), password))
    });
    let made = Mailer::new(smtp::Settings {
        host: settings.host.clone(),
        port: settings.port,
        wrapped: settings.wrapped,
        ca_pem: ca_pem.unwrap_or_default(),
        login,
        from: from.to_owned(),
        timeout: settings.timeout,
    });
    let made = faults.keep("smtp.", made);
    faults.finish(UNFIT, made)
}

/// The ticketing tool of each project, and the gateway's own; one that a project has of the gateway is at fault there.
fn tools(
    config: &Config,
    clock: &Clock,
    faults: &mut Gathering,
) -> HashMap<Option<String>, Arc<Sender>> {
    let mut tools = HashMap::new();
    let projects = config.projects.keys().cloned().map(Some);
    for project in projects.chain([None]) {
        let Some(tool) = config.alerts(project.as_deref()).tool else {
            continue;
        };
        let own = project.as_ref().and_then(|name| config.projects.get(name));
        let own = own.filter(|own| own.alerts.tool.is_some());
        let file = own.map_or(&config.file, |own| &own.file);
        let place = format!("{}:", file.display());
        if let Some(sender) = faults.keep(&place, sender(&tool, clock)) {
            tools.insert(project, Arc::new(sender));
        }
    }
    tools
}

/// Fails with every fault of the tool, each at its key.
fn sender(tool: &Tool, clock: &Clock) -> Result<Sender> {
    let mut faults = Gathering::default();
    let shared = tool.webhook_secret_file.as_deref();
    let signer = courier::signer(
        &mut faults,
        ("incidents.webhook_key_file", &tool.webhook_key_file),
        ("incidents.webhook_secret_file", shared),
    );
    let mut bytes = |key: &str, file: &Path| faults.keep(key, read(file)).unwrap_or_default();
    let (certificate_pem, key_pem) = match &tool.certificate {
        Some((certificate, key)) => (
            bytes("incidents.webhook_certificate", certificate),
            bytes("incidents.webhook_certificate_key_file", key),
        ),
        None => (Vec::new(), Vec::new()),
    };
    let settings = Settings {
        url: tool.url.clone(),
        certificate_pem,
        key_pem,
        ca_pem: bytes("incidents.webhook_ca", &tool.ca),
        allow: tool.allow_hosts.clone(),
        connect_timeout: CONNECT,
        timeout: PUSH,
    };
    let made = courier::built(
        &mut faults,
        "incidents.webhook_",
        (&settings, signer),
        clock,
    );
    faults.finish(UNFIT, made)
}
