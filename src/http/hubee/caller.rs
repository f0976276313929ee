//! Who calls, in the handler's signature: `HubCaller<{ OSL | ADMIN }, 1, Page>` is the caller of one of these scopes, one id
//! in the path, and the query's parameters (R3, R4, R6).
//!
//! A token that is none is 401, a scope that is another 403; then all faults of the head are told together: partner headers,
//! ids that are no UUIDs, parameters. What the caller may touch is for [`crate::domain::hubee::perimeter`].

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::{FromRequestParts, RawPathParams},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use uuid::Uuid;

use super::{
    Hub, errors,
    query::{FromQuery, Params},
};
use crate::{
    domain::hubee::{Caller, Client, PartnerInfo, Refusal, forms},
    kernel::fault::Fault,
};

/// The most characters of each of the partner's headers (R4).
const PARTNER: usize = 50;

/// A caller of one of the scopes `RIGHTS`, with the `N` ids of the path and the query `Q`.
pub struct HubCaller<const RIGHTS: u8, const N: usize = 0, Q = ()> {
    /// Who calls.
    pub caller: Caller,
    /// The ids of the path, in its order.
    pub ids: [Uuid; N],
    /// The query's parameters.
    pub query: Q,
}

impl<const RIGHTS: u8, const N: usize, Q> Deref for HubCaller<RIGHTS, N, Q> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<const RIGHTS: u8, const N: usize, Q: FromQuery> FromRequestParts<Arc<Hub>>
    for HubCaller<RIGHTS, N, Q>
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, hub: &Arc<Hub>) -> Result<Self, Response> {
        let Head {
            client,
            ids,
            partner,
            mut faults,
        } = Head::read::<RIGHTS>(parts, hub).await?;
        let mut params = Params::new(parts.uri.query());
        let query = Q::read(&mut params);
        faults.extend(params.faults());
        Refusal::unless_none(faults).map_err(Refusal::into_response)?;
        Ok(Self {
            caller: Caller { client, partner },
            ids: exactly(ids).map_err(Refusal::into_response)?,
            query,
        })
    }
}

/// The head of a request by a caller who may make it, and what is wrong with it.
pub(super) struct Head {
    pub client: Arc<Client>,
    pub ids: Vec<Uuid>,
    pub partner: PartnerInfo,
    pub faults: Vec<String>,
}

impl Head {
    /// Fails with 401 or 403. Ids that are none are told as faults at once: nothing can be done without them.
    pub async fn read<const RIGHTS: u8>(
        parts: &mut Parts,
        hub: &Arc<Hub>,
    ) -> Result<Self, Response> {
        let client = client(&parts.headers, hub).await?;
        if client.scope.bit() & RIGHTS == 0 {
            return Err(Refusal::Unauthorized.into_response());
        }
        let mut faults = Vec::new();
        let partner = partner(&parts.headers, &mut faults);
        let ids = ids(parts, hub, &mut faults).await?;
        Ok(Self {
            client,
            ids,
            partner,
            faults,
        })
    }
}

/// The active client of the bearer token (R3).
async fn client(headers: &HeaderMap, hub: &Hub) -> Result<Arc<Client>, Response> {
    let token = bearer(headers).ok_or_else(errors::no_token)?;
    let checked = hub.tokens.check(&hub.clients, token, &hub.ctx.clock).await;
    let client = checked.map_err(|fault| Refusal::Fault(fault).into_response())?;
    client.ok_or_else(errors::no_token)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What the partner's headers say (R4); one that is too long is a fault.
fn partner(headers: &HeaderMap, faults: &mut Vec<String>) -> PartnerInfo {
    let mut read = |name: &str| {
        let text = text(headers.get(name)?.as_bytes());
        match forms::misfit(&text, PARTNER) {
            None => (!text.is_empty()).then_some(text),
            Some(what) => {
                faults.push(format!("@header.{name}: {what}"));
                None
            }
        }
    };
    PartnerInfo {
        editor_name: read("editorName"),
        application_name: read("applicationName"),
        software_version: read("softwareVersion"),
    }
}

/// A header's text: UTF-8, or ISO 8859-1, as older clients write accents.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The path's parameters whose name ends with `Id`, in its order.
async fn ids(
    parts: &mut Parts,
    hub: &Arc<Hub>,
    faults: &mut Vec<String>,
) -> Result<Vec<Uuid>, Response> {
    let Ok(named) = RawPathParams::from_request_parts(parts, hub).await else {
        // Some parameter is no UTF-8.
        let refusal = Refusal::bad("@path: Input string is not valid UTF-8");
        return Err(refusal.into_response());
    };
    let mut ids = Vec::new();
    let mut sound = true;
    for (name, value) in named.iter().filter(|(name, _)| name.ends_with("Id")) {
        match forms::uuid(value) {
            Some(id) => ids.push(id),
            None => {
                faults.push(format!("@path.{name}: Input string is not a valid UUID"));
                sound = false;
            }
        }
    }
    match sound {
        true => Ok(ids),
        false => Err(Refusal::Bad(std::mem::take(faults)).into_response()),
    }
}

/// As many ids as the handler's signature says.
pub(super) fn exactly<const N: usize>(ids: Vec<Uuid>) -> Result<[Uuid; N], Refusal> {
    let count = ids.len();
    ids.try_into().map_err(|_| {
        let cause = format!("{count} ids in a path where its handler wants {N}");
        Fault::internal(cause).into()
    })
}
