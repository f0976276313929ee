//! What opens an exchange: its project's key, and its own.

use std::sync::Arc;

use super::{Difference, Report};
use crate::{
    domain::{Context, ged::ProjectKeys},
    kernel::secret::Key,
    storage::exchanges::ExchangeRow,
};

/// The keys of an exchange's project and its own, where they open.
pub(super) async fn key_of(
    ctx: &Context,
    exchange: &ExchangeRow,
    report: &mut Report,
) -> Option<(Arc<ProjectKeys>, Key)> {
    let keys = match ctx.keyring.held(&exchange.project).await {
        Ok(Some(keys)) => keys,
        Ok(None) => {
            let detail = format!("project {} has no key", exchange.project);
            report.add(Difference::KeyLost, exchange.id, detail);
            return None;
        }
        Err(fault) => {
            report.add(Difference::KeyLost, exchange.id, fault);
            return None;
        }
    };
    match keys.unwrap(&exchange.wrapped_key) {
        Ok(key) => Some((keys, key)),
        Err(_) => {
            let detail = "the exchange's own key does not open";
            report.add(Difference::KeyLost, exchange.id, detail);
            None
        }
    }
}
