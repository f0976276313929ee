//! Files of acknowledgment that are not what they should be: each is told once as long as it stays as it is, and its incident
//! ends when it was taken after all, or is gone.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::collect::Flowing;
use crate::{
    domain::incidents::{self, Cause, Code as Anomaly, State},
    kernel::{digest::hex, fault::Result},
    storage::incidents::{self as rows, Filter},
    transport::Listed,
};

/// The most incidents of earlier processes that are looked through.
const MOST: u32 = 10_000;

/// Size and date of a file, and of the signature beside it.
pub(super) type Looks = ((u64, i64), Option<(u64, i64)>);

/// What was told of a flow's files.
#[derive(Default)]
pub(super) struct Told {
    /// How each file looked when it was told.
    files: HashMap<String, Looks>,
    /// The names' keyed hashes of incidents that stand, whoever opened them; nothing before they were asked for.
    standing: Option<HashSet<String>>,
}

impl Told {
    /// Whether a file was told as it is now.
    pub(super) fn is_known(&self, name: &str, looks: &Looks) -> bool {
        self.files.get(name) == Some(looks)
    }
}

impl Flowing<'_> {
    /// Tells of a file that is not what it should be.
    pub(super) async fn tell(
        &self,
        told: &mut Told,
        (file, looks): (&Listed, Looks),
        why: &str,
    ) -> Result<()> {
        let hash = self.hash(&file.name).await?;
        let detail = json!({
            "depot": self.depot.name, "flow": self.flow.name, "reason": why, "fileNameHash": hash,
        });
        tracing::warn!(
            depot = self.depot.name,
            flow = self.flow.name,
            file = hash,
            why,
            "a file of acknowledgment is not taken"
        );
        let ticket = incidents::prepare(self.ctx, self.cause(&hash), detail)?;
        let opened = self.ctx.store.write(move |tx| ticket.open(tx).map(drop));
        opened.await?;
        told.files.insert(file.name.clone(), looks);
        told.standing.get_or_insert_default().insert(hash);
        Ok(())
    }

    /// Ends the incidents of files that are not there any more.
    pub(super) async fn forget(&self, told: &mut Told, there: &[Listed]) -> Result<()> {
        let names: HashSet<&str> = there.iter().map(|file| file.name.as_str()).collect();
        told.files.retain(|name, _| names.contains(name.as_str()));
        if told.standing.is_none() {
            told.standing = Some(self.standing().await?);
        }
        let standing = told.standing.get_or_insert_default();
        if standing.is_empty() {
            return Ok(());
        }
        let keys = self.ctx.keyring.project(&self.flow.project).await?;
        let there: HashSet<String> = names.iter().map(|name| hex(&keys.hash(name))).collect();
        let gone: Vec<String> = standing.difference(&there).cloned().collect();
        for hash in gone {
            self.end(&hash).await?;
            standing.remove(&hash);
        }
        Ok(())
    }

    /// Ends the incident of a file that was taken, where it has one.
    pub(super) async fn over(&self, told: &mut Told, name: &str) -> Result<()> {
        told.files.remove(name);
        let standing = told.standing.get_or_insert_default();
        if standing.is_empty() {
            return Ok(());
        }
        let hash = self.hash(name).await?;
        if standing.contains(&hash) {
            self.end(&hash).await?;
            standing.remove(&hash);
        }
        Ok(())
    }

    async fn end(&self, hash: &str) -> Result<()> {
        let over = incidents::clear(self.ctx, &self.cause(hash))?;
        let closed = self.ctx.store.write(move |tx| over.close(tx).map(drop));
        closed.await
    }

    /// The incidents of this flow's files that stand, by their names' hashes.
    async fn standing(&self) -> Result<HashSet<String>> {
        let filter = Filter {
            states: Some(
                [State::Open, State::Acknowledged]
                    .map(|state| state.as_str().to_owned())
                    .into(),
            ),
            code: Some(Anomaly::AcknowledgmentInvalid.as_str().to_owned()),
            project: Some(self.flow.project.clone()),
            ..Filter::default()
        };
        let found = self.ctx.store.read(move |tx| rows::list(tx, &filter, MOST));
        let of_flow = |detail: &serde_json::Value| {
            let is_ours = detail["depot"] == *self.depot.name && detail["flow"] == *self.flow.name;
            let hash = detail["fileNameHash"].as_str().filter(|_| is_ours)?;
            Some(hash.to_owned())
        };
        let found = found.await?;
        Ok(found
            .iter()
            .filter_map(|row| of_flow(&row.detail))
            .collect())
    }

    async fn hash(&self, name: &str) -> Result<String> {
        let keys = self.ctx.keyring.project(&self.flow.project).await?;
        Ok(hex(&keys.hash(name)))
    }

    fn cause(&self, hash: &str) -> Cause {
        Cause {
            code: Anomaly::AcknowledgmentInvalid,
            project: Some(self.flow.project.clone()),
            owner: self.ctx.owner(&self.depot.partner),
            exchange_id: None,
            subject: format!("{}:{}:{hash}", self.depot.name, self.flow.name),
        }
    }
}
