//! Each project's way out: its callback's sender, made once and shared by all deliveries.

use std::{collections::HashMap, path::Path, sync::Arc};

use crate::{
    config::{Callback, Projects},
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
        secret::Secret,
    },
    outbound::callback::{Sender, Settings, Signer},
};

/// How long a partner's server may take to answer the connection.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(10);

/// The senders by project.
#[derive(Clone)]
pub struct Couriers(Arc<HashMap<String, Arc<Sender>>>);

impl Couriers {
    /// Makes every project's sender. Fails with code `configuration`, all faulty projects in one report.
    pub fn new(projects: &Projects, clock: &Clock) -> Result<Self> {
        let mut senders = HashMap::new();
        let mut faults = Vec::new();
        let callbacks = projects.iter().filter_map(|(name, project)| {
            let callback = project.callback.as_ref()?;
            Some((name, callback))
        });
        for (name, callback) in callbacks {
            match sender(callback, clock) {
                Ok(sender) => drop(senders.insert(name.clone(), Arc::new(sender))),
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
        match faults.is_empty() {
            true => Ok(Self(Arc::new(senders))),
            false => Err(Fault::new(Code::Configuration, faults.join("\n"))),
        }
    }

    /// Resolves every project's host now and checks its addresses, for whoever has just written the settings. Fails with
    /// code `configuration`, all faulty projects in one report; a name that does not resolve now is left to the connection.
    pub async fn check_names(&self) -> Result<()> {
        let mut faults = Vec::new();
        for (name, sender) in self.0.iter() {
            if let Err(fault) = sender.check_name().await {
                faults.push(format!("{name}: {fault}"));
            }
        }
        faults.sort();
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Fault::new(Code::Configuration, faults.join("\n"))),
        }
    }

    /// The sender of `project`, where it is configured.
    pub fn of(&self, project: &str) -> Option<Arc<Sender>> {
        self.0.get(project).cloned()
    }
}

fn sender(callback: &Callback, clock: &Clock) -> Result<Sender> {
    let settings = Settings {
        url: callback.url.clone(),
        certificate_pem: read(&callback.certificate)?,
        key_pem: read(&callback.key_file)?,
        ca_pem: read(&callback.ca)?,
        allow: callback.allow.clone(),
        connect_timeout: CONNECT.min(callback.timeout),
        timeout: callback.timeout,
        signer: signer(callback)?,
    };
    Sender::new(settings, clock.clone())
}

fn signer(callback: &Callback) -> Result<Signer> {
    let signer = Signer::load(&secret(&callback.webhook_key_file)?)?;
    match &callback.webhook_secret_file {
        Some(shared) => signer.with_shared(&secret(shared)?),
        None => Ok(signer),
    }
}

/// The bytes of a file of the settings. Fails with code `configuration`.
pub(in crate::domain) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

/// The secret in a file of the settings, blanks around it apart. Fails with code `configuration`.
pub(in crate::domain) fn secret(path: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Ok(Secret::new(text.trim()))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(Code::Configuration, format!("{}: {error}", path.display()))
}
