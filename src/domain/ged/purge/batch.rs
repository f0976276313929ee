//! One batch: what its transaction writes is made before it, and what keeps an exchange is asked again within it.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Report, Run, lease, slices};
use crate::{
    config::Project,
    domain::{
        Context,
        archives::kept::Header,
        exchanges::{Metadata, PIECE},
        ged::{
            ProjectKeys,
            documents::{self, Column},
        },
        journal::{self, Kind, Subject},
        pieces::record::natural_key,
    },
    kernel::{digest::Sha256, failpoint, fault::Result},
    storage::{
        Tx,
        journal::EntryRow,
        purging::{self, Beside, NaturalKey, Purged},
        retention::{self, Due, Place},
    },
};

/// An archive of more documents than this goes in slices: other writers of SQLite wait for each of them, and for no more.
const AT_ONCE: u64 = 500;

/// Some exchanges that are due, ready to be destroyed.
pub struct Batch {
    run: Run,
    project: String,
    cutoff: Timestamp,
    range: (Place, Place),
    exchanges: Vec<(Due, Purged)>,
}

impl Batch {
    /// Makes ready what nothing keeps of `page`, the candidates after the first place of `range` up to its second.
    pub async fn prepare(
        ctx: &Context,
        run: Run,
        project: &Project,
        cutoff: Timestamp,
        range: (Place, Place),
        page: Vec<Due>,
    ) -> Result<Self> {
        let keys = ctx.keyring.held(&project.name).await?;
        let term = project.retention.to_string();
        let free = page.into_iter().filter(|due| !due.kept.any());
        let exchanges = free.map(|due| -> Result<_> {
            let purged = Purged {
                exchange_id: due.exchange_id,
                return_id: Some(due.return_id),
                beside: beside(&due),
                folder: false,
                natural_key: keys
                    .as_ref()
                    .and_then(|keys| natural_key_of(keys, &due))
                    .map_or(NaturalKey::Searched, NaturalKey::Known),
                entry: entry(ctx, run, &project.name, &due, &term)?,
            };
            Ok((due, purged))
        });
        Ok(Self {
            run,
            project: project.name.clone(),
            cutoff,
            range,
            exchanges: exchanges.collect::<Result<_>>()?,
        })
    }

    /// Destroys them, but for what something keeps since.
    pub async fn destroy(self, ctx: &Context, report: &mut Report) -> Result<()> {
        if self.exchanges.is_empty() {
            return Ok(());
        }
        failpoint::hit("purge.before-commit");
        let (now, batch) = (ctx.clock.now(), std::sync::Arc::new(self));
        let written = batch.clone();
        let destroyed = ctx.store.write(move |tx| written.write(tx, now)).await?;
        failpoint::hit("purge.after-commit");
        let gone = |due: &&Due| destroyed.contains(&due.exchange_id);
        let all = batch.exchanges.iter().map(|(due, _)| due);
        all.filter(gone)
            .for_each(|due| report.take(&batch.project, due));
        let mut all = batch.exchanges.iter();
        match all.any(|(_, purged)| purged.beside == Beside::Many) {
            true => slices::empty(ctx, batch.run).await,
            false => Ok(()),
        }
    }

    fn write(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<HashSet<Uuid>> {
        lease::keep(tx, self.run.id, now)?;
        let (after, upto) = self.range;
        let free = retention::still_free(tx, &self.project, self.cutoff, after, upto)?;
        let free: HashSet<Uuid> = free.into_iter().collect();
        let ready = self.exchanges.iter();
        let ready = ready.filter(|(due, _)| free.contains(&due.exchange_id));
        let ready: Vec<_> = ready.map(|(_, purged)| purged.clone()).collect();
        purging::destroy(tx, self.run.id, self.run.at, &ready)?;
        Ok(ready.iter().map(|purged| purged.exchange_id).collect())
    }
}

fn beside(due: &Due) -> Beside {
    match due.kind == PIECE {
        true => Beside::Nothing,
        false if due.documents > AT_ONCE => Beside::Many,
        false => Beside::Pieces,
    }
}

/// The natural key, from the metadata that are about to go; nothing where they do not open any more.
fn natural_key_of(keys: &ProjectKeys, due: &Due) -> Option<Sha256> {
    let key = keys.unwrap(&due.wrapped_key).ok()?;
    let (column, sealed) = (Column::Metadata, &due.metadata);
    if due.kind == PIECE {
        let metadata: Metadata = documents::open_json(&key, column, sealed).ok()?;
        return Some(natural_key(keys, &metadata, &due.sha256));
    }
    let header: Header = documents::open_json(&key, column, sealed).ok()?;
    Some(header.key(keys, &due.sha256))
}

/// The journal's entry of one purged exchange.
pub fn entry(ctx: &Context, run: Run, project: &str, due: &Due, term: &str) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: Some(due.exchange_id),
        project: Some(project.to_owned()),
        owner: due.owner.clone(),
    };
    let detail = json!({
        "runId": run.id,
        "term": term,
        "acknowledgedAt": due.acknowledged_at,
        "documents": due.documents,
        "bytes": due.bytes,
    });
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::ExchangePurged,
        subject,
        detail,
    )
}
