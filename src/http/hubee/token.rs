//! `POST /oauth2/token` and `POST /token`: a token by client credentials, in HTTP Basic or in the form (R2). No connection to
//! the database, nothing written: some clients ask before every call.

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use http::HeaderMap;

use super::Hub;
use crate::{
    domain::{access::grant::GrantError, hubee::Result},
    http::{body::read_whole, granting},
};

/// `POST /oauth2/token` and `POST /token`.
pub async fn token(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let form = read_whole(body, granting::LARGEST).await?;
    let presented = match granting::presented(&headers, &form) {
        Ok(presented) => presented,
        Err(error) => return Ok(refused(&error)),
    };
    let granted = hub.tokens.grant(&hub.clients, &presented, &hub.ctx.clock);
    Ok(match granted.await? {
        Ok(issued) => granting::granted(&issued.access_token, issued.expires_in, &issued.scope),
        Err(error) => refused(&error),
    })
}

fn refused(error: &GrantError) -> Response {
    granting::refused(error, r#"Basic realm="hubee""#)
}
