//! The operations of the hub on cases: read, change, move to another organisation; and what the portal purges (R20–R25).

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use http::StatusCode;
use serde_json::Value;

use super::{
    ADMIN, Hub, OSL, SI,
    body::JsonCall,
    caller::HubCaller,
    pages::{self, Pages},
    post_as_patch,
    query::{FromQuery, Params},
};
use crate::{
    domain::hubee::{
        Result,
        case::{change, migrate, portal, view},
    },
    http::operation::{Operation, get, patch, put},
    kernel::fault,
};

/// The most characters of `lite`.
const LITE: usize = 14;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    const ONE: &str = "/teledossiers/v1/cases/{caseId}";
    vec![
        put("/teledossiers/v1/cases/migrate", give),
        get(ONE, read),
        patch(ONE, update),
        post_as_patch(ONE, update),
        get("/teledossiers/v1/attachmentsIdsForPurge", to_purge),
        put("/teledossiers/v1/idsPurged", purged),
    ]
}

/// How much of a case is wanted.
pub struct Extent {
    lite: bool,
}

impl FromQuery for Extent {
    fn read(query: &mut Params) -> Self {
        let lite = query.text("lite", LITE);
        Self {
            lite: lite.is_some_and(|text| text.eq_ignore_ascii_case("true")),
        }
    }
}

/// Shows a case.
async fn read(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 1, Extent>,
) -> Result<Json<Value>> {
    let [case] = caller.ids;
    let shown = view::read(&hub.ctx, &caller, case, caller.query.lite).await?;
    Ok(Json(shown))
}

/// Moves a case to another status.
async fn update(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ OSL | SI | ADMIN }, 1>,
) -> Result<StatusCode> {
    let [case] = call.ids;
    change::change(&hub.ctx, &call.caller, case, call.document).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the cases of an organisation to another.
async fn give(State(hub): State<Arc<Hub>>, call: JsonCall<{ SI | ADMIN }>) -> Result<Json<Value>> {
    let moved = migrate::migrate(&hub.ctx, &call.caller, call.document).await?;
    Ok(Json(moved))
}

impl Pages for portal::Listing {
    async fn next(&mut self) -> fault::Result<Vec<Value>> {
        Self::next(self).await
    }
}

/// Lists what the portal has yet to purge.
async fn to_purge(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }>,
) -> Result<Response> {
    let listing = portal::Listing::open(&hub.ctx, &caller);
    Ok(pages::array(listing).await?)
}

/// Marks what the portal has purged.
async fn purged(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ OSL | SI | ADMIN }>,
) -> Result<StatusCode> {
    portal::purged(&hub.ctx, &call.caller, call.document).await?;
    Ok(StatusCode::NO_CONTENT)
}
