//! The operations of the hub on notifications: list and delete (R40, R41).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::Value;

use super::{
    ADMIN, Hub, OSL, SI,
    caller::HubCaller,
    pages::{self, Pages},
    query::{FromQuery, Params},
};
use crate::{
    domain::hubee::{
        Result,
        notification::{self, Listing, Query},
    },
    http::operation::{Operation, delete, get},
    kernel::fault,
};

/// The most characters of a process's code.
const PROCESS: usize = 30;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    vec![
        get("/teledossiers/v1/notifications", list),
        delete("/teledossiers/v1/notifications/{notificationId}", remove),
    ]
}

impl FromQuery for Query {
    fn read(query: &mut Params) -> Self {
        Self {
            most: query
                .number("maxResult", 0)
                .unwrap_or(notification::DEFAULT),
            processes: query.list("processCode", PROCESS),
            first: query.list("processPriority", PROCESS),
            event_details: query.flag("eventDetails").unwrap_or(false),
        }
    }
}

impl Pages for Listing {
    async fn next(&mut self) -> fault::Result<Vec<Value>> {
        Self::next(self).await
    }
}

/// Lists the notifications of the caller's organisation.
async fn list(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 0, Query>,
) -> Result<Response> {
    let listing = Listing::open(&hub.ctx, &caller, &caller.query);
    Ok(pages::array(listing).await?)
}

/// Deletes a notification for good.
async fn remove(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 1>,
) -> Result<StatusCode> {
    let [id] = caller.ids;
    notification::delete(&hub.ctx, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
