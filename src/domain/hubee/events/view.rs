//! An event as the contract shows it. Every field is there, `null` where there is nothing; a comment is for SIs (R20).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        ged::documents::{self, Column},
        hubee::{
            Caller, Result, Scope,
            attachments::announced,
            forms::date,
            refusal::{self, CASE, EVENT},
            sight,
        },
    },
    kernel::{
        fault::{Fault, Result as Kept},
        secret::Key,
    },
    storage::{
        exchanges,
        hubee::{
            attachments::{self, AttachmentRow},
            events::EventRow,
        },
    },
};

/// What is personal of an event: sealed under its folder's key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said {
    pub(super) message: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) author: Option<String>,
    pub(super) partner_attributes: Option<String>,
    #[serde(default)]
    pub(super) partner_info: Value,
}

/// An event of a case, for a caller that may see it. To read it changes nothing (R34).
pub async fn event(ctx: &Context, caller: &Caller, (case, event): (Uuid, Uuid)) -> Result<Value> {
    let asking = caller.clone();
    let found = refusal::read(&ctx.store, move |tx| {
        let case = sight::case(tx, &asking, case, CASE)?;
        let event = sight::event(tx, &case, event, EVENT)?;
        let attachments = attachments::of_event(tx, event.id)?;
        let missing = || Fault::internal(format!("folder {} has no exchange", case.folder_id));
        let exchange = exchanges::find(tx, case.folder_id)?.ok_or_else(missing)?;
        Ok((event, attachments, exchange))
    });
    let (event, attachments, exchange) = found.await?;
    let key = documents::exchange_key(ctx, &exchange).await?;
    Ok(view(&key, &event, &attachments, caller.scope())?)
}

/// The events of a case in their order, each with its attachments; `key` is the folder's.
pub fn views(
    key: &Key,
    events: &[EventRow],
    attachments: &[AttachmentRow],
    viewer: Scope,
) -> Kept<Vec<Value>> {
    let each = events.iter().map(|event| {
        let own = attachments.iter();
        let own: Vec<_> = own
            .filter(|row| row.event_id == Some(event.id))
            .cloned()
            .collect();
        view(key, event, &own, viewer)
    });
    each.collect()
}

/// One event with its attachments.
pub fn view(
    key: &Key,
    event: &EventRow,
    attachments: &[AttachmentRow],
    viewer: Scope,
) -> Kept<Value> {
    let said: Said = documents::open_json(key, Column::HubEvent, &event.body)?;
    let attachments: Vec<_> = attachments
        .iter()
        .map(|row| announced::view(key, row))
        .collect::<Kept<_>>()?;
    let transmitter = sight::named(&event.author)?.to_json();
    Ok(json!({
        "id": event.id,
        "transmitter": transmitter,
        "message": said.message,
        "comment": said.comment.filter(|_| viewer != Scope::Osl),
        "actionType": event.action_type,
        "author": said.author,
        "notification": event.notification,
        "createDateTime": date(event.created_at),
        "updateDateTime": date(event.updated_at),
        "status": event.status,
        "caseCurrentStatus": event.case_current_status,
        "caseNewStatus": event.case_new_status,
        "partnerAttributes": said.partner_attributes,
        "attachments": attachments,
        "partnerInfo": said.partner_info,
    }))
}
