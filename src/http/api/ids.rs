//! The ids of a path. What is no id of ours names nothing: it is `not-found`, as an unknown id is.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use uuid::Uuid;

use crate::kernel::fault::{Code, Fault, Result};

/// The ids of a path in their order, each a UUIDv7 as we write it.
pub struct Ids<const N: usize>(pub [Uuid; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Ids<N> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let named = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Path(named) = named.map_err(|_| nothing())?;
        let ids: Vec<Uuid> = named.iter().filter_map(|(_, text)| id(text)).collect();
        ids.try_into().map(Self).map_err(|_| nothing())
    }
}

/// One spelling per id: small letters, hyphens, version 7.
pub(super) fn id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.get_version_num() == 7 && id.to_string() == text).then_some(id)
}

fn nothing() -> Fault {
    Fault::new(
        Code::NotFound,
        "Aucune pièce de ce client ne porte cet identifiant.",
    )
}
