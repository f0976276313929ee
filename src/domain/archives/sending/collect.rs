//! What lies in a flow of acknowledgments: each file is matched with the return that it is about, read, verified where the
//! partner signs, kept, and only then leaves the depot.
//!
//! The name of a return's file holds the return's id, so an acknowledgment named after it leads back to it. Everything here can
//! be done again by anybody: the first word stays, and what was kept already only leaves. A file that is not what it should be
//! stays where it is, with an incident (`unfit`); a signature that is still missing is waited for. A fault that a file meets keeps
//! no other from being taken: only a depot or a database that is away ends a look.

use std::{collections::HashMap, path::Path};

use serde_json::json;
use uuid::Uuid;
use wildmatch::WildMatch;

use super::{
    acknowledgment::{self, LONGEST, Proof},
    unfit::{Looks, Told},
};
use crate::{
    config::{
        Depot,
        depots::{Acknowledgments, Complete, Flow},
    },
    domain::{
        Context,
        archives::{Lines, rest::Rest, strangers::Strangers},
        ged::documents::{self, Column},
        receipts,
    },
    kernel::fault::{Code, Fault, Result},
    storage::{exchanges, return_files},
    transport::{Listed, line::is_of_the_depot},
};

/// The length of an id as text.
const ID: usize = 36;

/// What is remembered of a flow from one look to the next.
#[derive(Default)]
pub struct Memory {
    rest: Rest,
    told: Told,
    strangers: Strangers,
}

/// What became of a file.
enum Fate {
    /// It was taken, and has left.
    Taken,
    /// Its signature is not there yet, or it is gone.
    Waits,
    /// It is not what it should be, for this reason.
    Unfit(&'static str),
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
    /// One look: takes what is there and complete. Answers the first fault that a file has met; fails where the depot or the
    /// database does not answer, or the flow's folder cannot be listed.
    pub async fn look(&self, memory: &mut Memory) -> Result<Option<Fault>> {
        let folder = self.flow.path.clone();
        let listed = self.lines.with(&self.depot.name, move |line| {
            line.with(|session| session.list(&folder))
        });
        let listed = listed.await?;
        memory.strangers.tell(self.depot, self.flow, &listed);
        self.forget(&mut memory.told, &listed).await?;
        let mut met = None;
        for (file, looks) in self.ready(memory, &listed) {
            if memory.told.is_known(&file.name, &looks) {
                continue;
            }
            match self.settled(memory, &file, looks).await {
                Err(fault) if is_away(&fault) => return Err(fault),
                Err(fault) => {
                    tracing::warn!(depot = self.depot.name, flow = self.flow.name, %fault, "a file of acknowledgment could not be taken; the others are");
                    met.get_or_insert(fault);
                }
                Ok(()) => {}
            }
        }
        Ok(met)
    }

    async fn settled(&self, memory: &mut Memory, file: &Listed, looks: Looks) -> Result<()> {
        let told = &mut memory.told;
        match self.file(file, &looks).await? {
            Fate::Taken => self.over(told, &file.name).await,
            Fate::Waits => Ok(()),
            Fate::Unfit(why) => self.tell(told, (file, looks), why).await,
        }
    }

    /// The files of the pattern that are complete.
    fn ready(&self, memory: &mut Memory, listed: &[Listed]) -> Vec<(Listed, Looks)> {
        let any = WildMatch::new(&self.acks.any_name());
        let there: HashMap<&str, &Listed> = listed
            .iter()
            .map(|file| (file.name.as_str(), file))
            .collect();
        memory.rest.keep(|name| there.contains_key(name));
        let beside =
            |file: &Listed, suffix: &str| there.get(&*format!("{}{suffix}", file.name)).copied();
        let (now, poll) = (self.ctx.clock.now(), self.depot.poll);
        let mut ready = Vec::new();
        for file in listed.iter().filter(|file| any.matches(&file.name)) {
            let suffix = self.acks.signature.as_ref();
            let signature = suffix.and_then(|suffix| beside(file, suffix));
            let is_complete = match &self.acks.complete {
                Complete::Rename => true,
                Complete::Marker(suffix) => beside(file, suffix).is_some(),
                // Each has a time of its own: both are looked at.
                Complete::Stable => {
                    let files = std::iter::once(file).chain(signature);
                    let moving = files.filter(|file| !memory.rest.is_at_rest(file, now, poll));
                    moving.count() == 0
                }
            };
            if is_complete {
                let of = |file: &Listed| (file.size, file.modified);
                ready.push((file.clone(), (of(file), signature.map(of))));
            }
        }
        ready
    }

    /// One file, as far as it can be taken.
    async fn file(&self, file: &Listed, looks: &Looks) -> Result<Fate> {
        let id = match self.about(&file.name).await? {
            Ok(id) => id,
            Err(why) => return Ok(Fate::Unfit(why)),
        };
        if file.size > LONGEST {
            return Ok(Fate::Unfit("too-large"));
        }
        // One that came since the look may still grow.
        if self.acks.signature.is_some() && looks.1.is_none() {
            return Ok(Fate::Waits);
        }
        let Some((body, signature)) = self.read(file).await? else {
            return Ok(Fate::Waits);
        };
        let signer = match &signature {
            Some(signature) => match self.verified(signature, &body).await {
                Ok(signer) => Some(signer),
                Err(fault) if fault.code() == Code::Corrupt => {
                    tracing::warn!(depot = self.depot.name, return_id = %id, %fault, "the signature of an acknowledgment does not hold");
                    return Ok(Fate::Unfit("signature"));
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
        if let Some(why) = proof.unfit(id, &file.name) {
            return Ok(Fate::Unfit(why));
        }
        acknowledgment::take(self.ctx, id, proof).await?;
        self.have_leave(file).await?;
        Ok(Fate::Taken)
    }

    /// The return that a file of this name is about, where it left by the flow that this one answers; else why it is about none.
    /// What bears the return's own name is the return, and no word on it.
    async fn about(&self, name: &str) -> Result<std::result::Result<Uuid, &'static str>> {
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
                return Ok(Ok(id));
            };
            let ours = documents::open_bytes(&key, Column::ReturnName, &file.name)?;
            let ours = String::from_utf8(ours).map_err(Fault::internal)?;
            if ours == name {
                return Ok(Err("own-return"));
            }
            let pattern = self.acks.named(&ours, &id.to_string());
            if WildMatch::new(&pattern).matches(name) {
                return Ok(Ok(id));
            }
        }
        Ok(Err("unknown-return"))
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
}

/// Whether a fault is of the depot or of the database as a whole.
fn is_away(fault: &Fault) -> bool {
    is_of_the_depot(fault) || fault.code() == Code::Unavailable
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
