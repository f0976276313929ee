//! Télédossiers: what is sealed of them must open. That their rows agree is asked by `storage::hubee::inspection`.

use serde_json::Value as Json;

use super::{Difference, Report, keys::key_of};
use crate::{
    domain::{
        Context,
        exchanges::Status,
        ged::documents::{self, Column},
    },
    storage::exchanges::ExchangeRow,
};

/// Looks at one télédossier as an exchange.
pub(super) async fn look(ctx: &Context, exchange: &ExchangeRow, report: &mut Report) {
    if exchange.status == Status::Purged.as_str() {
        // It is deleted: the next batch takes its last rows away.
        return;
    }
    let Some((keys, key)) = key_of(ctx, exchange, report).await else {
        return;
    };
    let opened = documents::open_json::<Json>(&key, Column::Metadata, &exchange.metadata);
    let metadata = match opened {
        Ok(metadata) => metadata,
        Err(fault) => {
            report.add(Difference::MetadataDamaged, exchange.id, fault);
            return;
        }
    };
    let external_id = metadata["externalId"].as_str().unwrap_or_default();
    if keys.hash(external_id) != exchange.dossier_hash {
        let detail = "its external id is not the one that it is found by";
        report.add(Difference::FolderBroken, exchange.id, detail);
    }
}
