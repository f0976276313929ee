//! What lies in a flow of acknowledgments: each file is matched with the return that it is about, read, verified where the
//! partner signs, kept, and only then leaves the depot.
//!
//! The name of a return's file holds the return's id, so an acknowledgment named after it leads back to it. Everything here can
//! be done again by anybody: the first word stays, and what was kept already only leaves. A file that is not what it should be
//! stays where it is, with an incident; a signature that is still missing is waited for.

use std::{collections::HashMap, path::Path};

use serde_json::json;
use uuid::Uuid;
use wildmatch::WildMatch;

use super::acknowledgment::{self, LONGEST, Proof};
use crate::{
    config::{
        Depot,
        depots::{Acknowledgments, Complete, Flow},
    },
    domain::{
        Context,
        archives::Lines,
        ged::documents::{self, Column},
        incidents::{self, Cause, Code as Anomaly},
        receipts,
    },
    kernel::fault::{Code, Fault, Result},
    storage::{exchanges, return_files},
    transport::Listed,
};

/// The length of an id as text.
const ID: usize = 36;

/// What is remembered of a flow from one look to the next.
#[derive(Default)]
pub struct Memory {
    /// Size and date of each file that is not stable or not acceptable, as it was last seen.
    seen: HashMap<String, (u64, i64)>,
    told: HashMap<String, (u64, i64)>,
}

/// A flow of acknowledgments and its depot.
pub struct Flowing<'a> {
    /// The house.
    pub ctx: &'a Context,
    /// The lines to the depots.
    pub lines: &'a Lines,
    /// The depot.
    pub depot: &'a Depot,
    /// The flow.
    pub flow: &'a Flow,
    /// What the flow says of what is taken there.
    pub acks: &'a Acknowledgments,
}

impl Flowing<'_> {
    /// One look: takes what is there and complete; answers how many acknowledgments were kept. Fails where the depot or the
    /// database does not answer.
    pub async fn look(&self, memory: &mut Memory) -> Result<u64> {
        let folder = self.flow.path.clone();
        let listed = self.lines.with(&self.depot.name, move |line| {
            line.with(|session| session.list(&folder))
        });
        let listed = listed.await?;
        let mut kept = 0;
        for file in self.ready(memory, listed) {
            let is_known = memory.told.get(&file.name) == Some(&(file.size, file.modified));
            if !is_known {
                kept += u64::from(self.file(memory, &file).await?);
            }
        }
        Ok(kept)
    }

    /// The files of the pattern that are complete.
    fn ready(&self, memory: &mut Memory, listed: Vec<Listed>) -> Vec<Listed> {
        let any = self
            .acks
            .pattern
            .replace("{name}", "*")
            .replace("{id}", "*");
        let any = WildMatch::new(&any);
        let names: std::collections::HashSet<String> =
            listed.iter().map(|file| file.name.clone()).collect();
        memory.seen.retain(|name, _| names.contains(name));
        memory.told.retain(|name, _| names.contains(name));
        let mut ready: Vec<Listed> = listed
            .into_iter()
            .filter(|file| any.matches(&file.name))
            .collect();
        ready.retain(|file| match &self.acks.complete {
            Complete::Rename => true,
            Complete::Marker(suffix) => names.contains(&format!("{}{suffix}", file.name)),
            Complete::Stable => {
                let now = (file.size, file.modified);
                memory.seen.insert(file.name.clone(), now) == Some(now)
            }
        });
        ready
    }

    /// One file; whether it was kept.
    async fn file(&self, memory: &mut Memory, file: &Listed) -> Result<bool> {
        let Some(id) = self.about(&file.name).await? else {
            self.tell(memory, file, "unknown-return").await?;
            return Ok(false);
        };
        let Some((body, signature)) = self.read(file).await? else {
            return Ok(false);
        };
        let signer = match &signature {
            Some(signature) => match self.verified(signature, &body).await {
                Ok(signer) => Some(signer),
                Err(fault) if fault.code() == Code::Corrupt => {
                    tracing::warn!(depot = self.depot.name, return_id = %id, %fault, "the signature of an acknowledgment does not hold");
                    self.tell(memory, file, "signature").await?;
                    return Ok(false);
                }
                Err(fault) => return Err(fault),
            },
            None => None,
        };
        let proof = Proof {
            body,
            signature,
            signer,
            detail: json!({ "depot": self.depot.name, "flow": self.flow.name }),
        };
        if file.size > LONGEST || proof.is_of_another(id) {
            let why = if file.size > LONGEST {
                "too-large"
            } else {
                "other-return"
            };
            self.tell(memory, file, why).await?;
            return Ok(false);
        }
        let kept = acknowledgment::take(self.ctx, id, proof).await?;
        self.have_leave(file).await?;
        Ok(kept)
    }

    /// The return that a file of this name is about, where it left by the flow that this one answers.
    async fn about(&self, name: &str) -> Result<Option<Uuid>> {
        for id in ids(name) {
            let found = self.ctx.store.read(move |tx| {
                let file = return_files::find(tx, id)?;
                let exchange = file
                    .as_ref()
                    .map(|file| exchanges::find(tx, file.exchange_id));
                Ok(file.zip(exchange.transpose()?.flatten()))
            });
            let Some((file, exchange)) = found.await? else {
                continue;
            };
            if file.depot != self.depot.name || file.flow != self.acks.answers {
                continue;
            }
            // A purged one was acknowledged: its file only leaves.
            let Ok(key) = documents::exchange_key(self.ctx, &exchange).await else {
                return Ok(Some(id));
            };
            let ours = documents::open_bytes(&key, Column::ReturnName, &file.name)?;
            let ours = String::from_utf8(ours).map_err(Fault::internal)?;
            let pattern = self
                .acks
                .pattern
                .replace("{name}", &ours)
                .replace("{id}", &id.to_string());
            if WildMatch::new(&pattern).matches(name) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    async fn verified(&self, signature: &[u8], body: &[u8]) -> Result<[u8; 32]> {
        let ca = self.acks.signer_ca.clone();
        let ca = ca.ok_or_else(|| Fault::internal("a flow that is signed without authorities"))?;
        let (signature, body) = (signature.to_vec(), body.to_vec());
        let verified = tokio::task::spawn_blocking(move || {
            receipts::verify_detached(&signature, &body, &authorities(&ca)?, None)
        });
        let signer = verified.await.map_err(Fault::internal)??;
        Ok(signer.certificate_sha256)
    }

    /// Tells of a file that is not what it should be, once for each that is there.
    async fn tell(&self, memory: &mut Memory, file: &Listed, why: &str) -> Result<()> {
        memory
            .told
            .insert(file.name.clone(), (file.size, file.modified));
        let keys = self.ctx.keyring.project(&self.flow.project).await?;
        let subject = format!(
            "{}:{}:{}",
            self.depot.name,
            self.flow.name,
            crate::kernel::digest::hex(&keys.hash(&file.name))
        );
        let cause = Cause {
            code: Anomaly::AcknowledgmentInvalid,
            project: Some(self.flow.project.clone()),
            owner: self.ctx.owner(&self.depot.name),
            exchange_id: None,
            subject,
        };
        let detail = json!({ "depot": self.depot.name, "flow": self.flow.name, "reason": why });
        tracing::warn!(
            depot = self.depot.name,
            flow = self.flow.name,
            why,
            "a file of acknowledgment is not taken"
        );
        let ticket = incidents::prepare(self.ctx, cause, detail)?;
        self.ctx
            .store
            .write(move |tx| ticket.open(tx).map(drop))
            .await
    }
}

/// Every id that a name holds.
fn ids(name: &str) -> impl Iterator<Item = Uuid> + '_ {
    let starts = name.char_indices().map(|(at, _)| at);
    starts.filter_map(move |at| {
        let text = name.get(at..at + ID)?;
        text.contains('-').then(|| Uuid::try_parse(text).ok())?
    })
}

fn authorities(path: &Path) -> Result<Vec<u8>> {
    crate::domain::returns::courier::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_in_a_name_is_found_wherever_it_stands() {
        let id: Uuid = "01a1ffe0-5902-7e5a-b1c6-3a9d4e8f7c43".parse().unwrap();
        for name in [
            format!("LOT-é-{id}.zip.ack.json"),
            format!("{id}"),
            format!("AR_{id}_{id}"),
        ] {
            assert!(
                ids(&name).all(|found| found == id) && ids(&name).next().is_some(),
                "{name}"
            );
        }
        assert_eq!(ids("LOT42.zip.ack.json").count(), 0);
    }
}
