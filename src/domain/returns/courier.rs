//! Each project's way out: its callback's sender, made once and shared by all deliveries.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use crate::{
    config::{Callback, Projects, UNFIT},
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
        gathering::Gathering,
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
    /// Makes every project's sender. Fails with code `configuration` and every fault of every project, with file and key.
    pub fn new(projects: &Projects, clock: &Clock) -> Result<Self> {
        let mut faults = Gathering::default();
        let made = Self::gather(projects, clock, &mut faults);
        faults.finish(UNFIT, Some(made))
    }

    /// The senders of the projects that have no fault, and the faults of the others.
    pub fn gather(projects: &Projects, clock: &Clock, faults: &mut Gathering) -> Self {
        let made = projects.iter().filter_map(|(name, project)| {
            let callback = project.callback.as_ref()?;
            let place = format!("{}:", project.file.display());
            let sender = faults.keep(&place, sender(callback, clock))?;
            Some((name.clone(), Arc::new(sender)))
        });
        Self(Arc::new(made.collect()))
    }

    /// Resolves every project's host now and checks its addresses, for whoever has just written the settings. Answers the
    /// projects whose host leads inside, and the fault; a name that does not resolve now is left to the connection.
    pub async fn check_names(&self) -> BTreeMap<&str, Fault> {
        let mut faults = BTreeMap::new();
        for (name, sender) in self.0.iter() {
            if let Err(fault) = sender.check_name().await {
                faults.insert(name.as_str(), fault);
            }
        }
        faults
    }

    /// The sender of `project`, where it is configured.
    pub fn of(&self, project: &str) -> Option<Arc<Sender>> {
        self.0.get(project).cloned()
    }
}

/// Fails with every fault of the section, each at its key.
fn sender(callback: &Callback, clock: &Clock) -> Result<Sender> {
    let mut faults = Gathering::default();
    let shared = callback.webhook_secret_file.as_deref();
    let signer = signer(
        &mut faults,
        ("callback.webhook_key_file", &callback.webhook_key_file),
        ("callback.webhook_secret_file", shared),
    );
    let mut bytes = |key: &str, file: &Path| faults.keep(key, read(file)).unwrap_or_default();
    let settings = Settings {
        url: callback.url.clone(),
        certificate_pem: bytes("callback.certificate", &callback.certificate),
        key_pem: bytes("callback.key_file", &callback.key_file),
        ca_pem: bytes("callback.ca", &callback.ca),
        allow: callback.allow.clone(),
        connect_timeout: CONNECT.min(callback.timeout),
        timeout: callback.timeout,
    };
    let made = built(&mut faults, "callback.", (&settings, signer), clock);
    faults.finish(UNFIT, made)
}

/// The sender of these settings, where somebody can sign; else their faults are looked for all the same, below `place`.
pub(in crate::domain) fn built(
    faults: &mut Gathering,
    place: &str,
    (settings, signer): (&Settings, Option<Signer>),
    clock: &Clock,
) -> Option<Sender> {
    match signer {
        Some(signer) => faults.keep(place, Sender::new(settings, signer, clock.clone())),
        None => {
            faults.keep(place, Sender::check(settings));
            None
        }
    }
}

/// Who signs, by the key of the first file and, where there is one, by the secret of the second; each with its key in the
/// settings.
pub(in crate::domain) fn signer(
    faults: &mut Gathering,
    (key, file): (&str, &Path),
    (shared_key, shared): (&str, Option<&Path>),
) -> Option<Signer> {
    let signer = faults.keep(key, secret(file).and_then(|key| Signer::load(&key)));
    let Some(shared) = shared else {
        return signer;
    };
    let shared = faults.keep(shared_key, secret(shared));
    let (signer, shared) = signer.zip(shared)?;
    faults.keep(shared_key, signer.with_shared(&shared))
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
