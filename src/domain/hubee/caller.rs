//! Who calls the hub: an organisation by one of its clients, and the software that it says it runs (R3, R4).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Client, OrganizationId, Scope};

/// A caller whose token was checked. What it may touch is for [`super::perimeter`] to say.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client, active.
    pub client: Arc<Client>,
    /// The software that calls.
    pub partner: PartnerInfo,
}

impl Caller {
    /// The caller's organisation.
    pub fn organization(&self) -> &OrganizationId {
        &self.client.organization
    }

    /// What it is to the hub.
    pub fn scope(&self) -> Scope {
        self.client.scope
    }

    /// Whether it is the hub's administration.
    pub fn is_admin(&self) -> bool {
        self.scope() == Scope::Admin
    }

    /// The processes that it is limited to; `None` where it is not (R3).
    pub fn processes(&self) -> Option<&[String]> {
        self.client.processes.as_deref()
    }

    /// Whether its client was issued for this process.
    pub fn may_name(&self, process: &str) -> bool {
        self.processes()
            .is_none_or(|processes| processes.iter().any(|known| known == process))
    }
}

/// The software of a caller, as its headers say it; each of 50 characters at most. It is kept with what the call makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartnerInfo {
    /// Who publishes it.
    pub editor_name: Option<String>,
    /// Its name.
    pub application_name: Option<String>,
    /// Its version.
    pub software_version: Option<String>,
}

impl PartnerInfo {
    /// As the contract writes it; `null` where no header said anything.
    pub fn to_json(&self) -> Value {
        match *self == Self::default() {
            true => Value::Null,
            false => json!({
                "editorName": self.editor_name,
                "applicationName": self.application_name,
                "softwareVersion": self.software_version,
            }),
        }
    }

    /// Reads what [`PartnerInfo::to_json`] wrote.
    pub fn from_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Self {
            editor_name: text("editorName"),
            application_name: text("applicationName"),
            software_version: text("softwareVersion"),
        }
    }
}
