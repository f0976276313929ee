//! What the journal keeps of changes of the referential: which object, and what became of it. Ids and codes only.

use serde_json::json;

use super::Caller;
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        journal::{self, Kind, Subject},
    },
    kernel::fault::Result,
    storage::{Tx, exchanges::Owner, journal::EntryRow},
};

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// An organisation, by its id.
    Organization,
    /// A process, by its code.
    Process,
    /// A subscription, by its id.
    Subscription,
}

impl Object {
    fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Process => "process",
            Self::Subscription => "subscription",
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Created,
    /// It was replaced.
    Replaced,
    /// It became active on its day (R52).
    Activated,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Activated => "activated",
        }
    }
}

/// The entry of a change that `caller` makes.
pub fn entry(
    ctx: &Context,
    caller: &Caller,
    object: Object,
    id: &str,
    action: Action,
) -> Result<EntryRow> {
    let owner = ctx.owner(&caller.organization().to_string());
    entry_by(ctx, owner, object, id, action, &caller.client.id)
}

/// The entry of a change that an operator or the house makes.
pub fn entry_by(
    ctx: &Context,
    owner: Owner,
    object: Object,
    id: &str,
    action: Action,
    by: &str,
) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: None,
        project: Some(HUB.to_owned()),
        owner,
    };
    let detail =
        json!({ "object": object.as_str(), "id": id, "action": action.as_str(), "by": by });
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::ReferentialChanged,
        subject,
        detail,
    )
}

/// Appends an entry, in the transaction of its change.
pub fn append(tx: &mut Tx<'_>, entry: &EntryRow) -> Result<()> {
    crate::storage::journal::append(tx, entry)
}
