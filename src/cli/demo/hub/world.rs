//! The hub's world: a referential of made-up administrations, and a client of a process's OSL and one of a subscriber.

use std::path::Path;

use serde_json::Value;

use super::{
    super::{gateway, stage::Stage},
    caller::{Caller, Credentials},
};
use crate::kernel::{
    fault::{Code, Fault, Result},
    secret::Secret,
};

/// The referential that is imported.
pub const REFERENTIAL: &str = "fixtures/hubee/referential.json";
/// What the demonstration sends both ways.
const FORMAT: &str = "application/pdf";

/// Who takes part.
pub struct World {
    /// The process.
    pub process: String,
    /// A type of attachment that it takes.
    pub kind: String,
    /// The organisation that owns it.
    pub osl: String,
    /// The organisation that subscribes to it.
    pub si: Value,
}

impl World {
    /// Finds in the referential a process that takes PDF both ways, and a subscriber of it. Fails with `usage` where there is
    /// none.
    pub fn read() -> Result<Self> {
        let text = std::fs::read(Path::new(REFERENTIAL));
        let text = text.map_err(|error| {
            Fault::new(
                Code::Usage,
                format!("{REFERENTIAL}: {error}: run it in the repository"),
            )
        })?;
        let said: Value = serde_json::from_slice(&text).map_err(Fault::internal)?;
        let processes = said["processes"].as_array().into_iter().flatten();
        let found = processes
            .filter(|process| takes(process))
            .find_map(|process| Some((process, subscriber(&said, &process["code"])?)));
        let (process, si) = found.ok_or_else(|| {
            let detail = format!("{REFERENTIAL} has no process that takes PDF both ways");
            Fault::new(Code::Usage, detail)
        })?;
        Ok(Self {
            process: text_of(&process["code"]),
            kind: text_of(&process["attachmentTypesEnabled"][0]),
            osl: id_of(&process["osl"]),
            si: si.clone(),
        })
    }

    /// The subscriber's id.
    pub fn si_id(&self) -> String {
        id_of(&self.si)
    }

    /// Imports the referential.
    pub async fn import(stage: &Stage) -> Result<()> {
        let file = std::path::absolute(REFERENTIAL).map_err(Fault::unavailable)?;
        let file = file.display().to_string();
        gateway::run(stage, &["hubee", "import", &file, "--json"])
            .await
            .map(drop)
    }

    /// Registers a client of the OSL and one of the subscriber, and signs both in.
    pub async fn sign_in(&self, stage: &Stage) -> Result<(Caller, Caller)> {
        let osl = self.client(stage, &self.osl, "OSL").await?;
        let si = self.client(stage, &self.si_id(), "SI").await?;
        Ok((
            Caller::sign_in(stage, &osl, "OSL").await?,
            Caller::sign_in(stage, &si, "SI").await?,
        ))
    }

    async fn client(&self, stage: &Stage, organization: &str, scope: &str) -> Result<Credentials> {
        let mut add = vec![
            "hubee",
            "client",
            "add",
            "--organization",
            organization,
            "--scope",
            scope,
            "--json",
        ];
        if scope == "SI" {
            add.extend(["--process", &self.process]);
        }
        let said = gateway::run(stage, &add).await?;
        Ok(Credentials {
            id: text_of(&said["clientId"]),
            secret: Secret::new(text_of(&said["clientSecret"])),
        })
    }
}

/// Whether a process is active and takes what the demonstration sends.
fn takes(process: &Value) -> bool {
    let lists = ["attachmentFormatsEnabled", "siAttachmentFormatsEnabled"];
    let takes = |name: &&str| {
        let formats = process[*name].as_array();
        formats.is_some_and(|formats| formats.iter().any(|format| format == FORMAT))
    };
    process["isActivated"] == true && lists.iter().all(takes)
}

fn subscriber<'s>(said: &'s Value, code: &Value) -> Option<&'s Value> {
    let mut all = said["subscriptions"].as_array()?.iter();
    let found = all.find(|one| one["processCode"] == *code && one["status"] == "Actif")?;
    Some(&found["subscriber"])
}

fn id_of(organization: &Value) -> String {
    let parts = ["type", "companyRegister", "branchCode"];
    parts.map(|part| text_of(&organization[part])).join("-")
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
