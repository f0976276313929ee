//! Whether a folder may be created: its process and whom it is for, as the referential has them (R10, R11, R12). The words
//! of a recipient's faults are those that deployed clients look for.

use crate::{
    domain::{
        Context,
        exchanges::HUB,
        hubee::{
            Caller, Result, perimeter,
            process::{self, Process},
            subscription_standing,
        },
    },
    kernel::{digest::Sha256, fault::Result as Kept},
    storage::{
        Tx,
        hubee::{folders, organizations, subscriptions},
    },
};

use super::given::Wanted;

/// What the referential says of a folder that is to be created.
#[derive(Debug)]
pub struct Admission {
    /// Its process, where there is one of that code.
    pub process: Option<Process>,
    /// What is wrong with process, external id and recipients.
    pub faults: Vec<String>,
}

/// Looks up what a body wants. Fails where its process is another organisation's (R11).
pub async fn look(ctx: &Context, caller: &Caller, wanted: Wanted) -> Result<Admission> {
    let keys = ctx.keyring.project(HUB).await?;
    let hash = keys.hash(&wanted.external_id);
    let found = ctx.store.read(move |tx| admission(tx, &wanted, &hash));
    let admission = found.await?;
    if let Some(process) = &admission.process {
        perimeter::process(caller, &process.osl)?;
    }
    Ok(admission)
}

fn admission(tx: &mut Tx<'_>, wanted: &Wanted, hash: &Sha256) -> Kept<Admission> {
    let code = &wanted.process_code;
    let process = process::find_in(tx, code)?;
    let mut faults = Vec::new();
    match &process {
        None if code.is_empty() => {}
        None => faults.push(format!("Process {code} does not exist")),
        Some(process) => {
            if !process.is_activated {
                faults.push(format!("Process {code} is not activated"));
            }
            if folders::of_external(tx, &process.osl.to_string(), hash)?.is_some() {
                faults.push(taken(&wanted.external_id));
            }
        }
    }
    for recipient in &wanted.recipients {
        let id = recipient.to_string();
        if !organizations::exists(tx, &id)? {
            faults.push(format!("Case recipient {id} does not exist"));
        } else if process.is_some() && !is_subscribed(tx, &id, code)? {
            faults.push(format!("Case recipient {id} does not suscribed to {code}"));
        }
    }
    Ok(Admission { process, faults })
}

/// Whether an organisation has an active subscription to a process.
fn is_subscribed(tx: &mut Tx<'_>, organization: &str, process: &str) -> Kept<bool> {
    let found = subscriptions::of(tx, organization, process)?;
    Ok(found.is_some_and(|row| row.status == subscription_standing::ACTIVE))
}

/// What is said of an external id that the organisation has given before (R7, R12).
pub fn taken(external_id: &str) -> String {
    format!("Folder {external_id} already exists")
}
