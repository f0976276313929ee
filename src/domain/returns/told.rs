//! What a partner says beside an acknowledgment's body: free text of the partner's, kept sealed like the body.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    domain::{
        Context,
        ged::documents::{self, Column},
    },
    kernel::{fault::Result, secret::Key},
    storage::acknowledgments::AcknowledgmentRow,
};

/// Headers, and the partner's own id of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The answer's headers, as pairs of name and value; none where it came as a file.
    pub headers: Vec<(String, String)>,
    /// The partner's own id of it, where the body has one.
    pub reference: Option<String>,
}

impl Told {
    /// Sealed under the exchange's key.
    pub fn sealed(&self, ctx: &Context, key: &Key) -> Result<Vec<u8>> {
        documents::seal_json(ctx, key, Column::AcknowledgmentTold, self)
    }

    /// Headers and reference of a row, also of one that was written in the clear.
    pub fn of(key: &Key, row: &AcknowledgmentRow) -> Result<(Json, Option<String>)> {
        let Some(sealed) = &row.told else {
            return Ok((row.headers.clone(), row.partner_reference.clone()));
        };
        let told: Self = documents::open_json(key, Column::AcknowledgmentTold, sealed)?;
        Ok((json!(told.headers), told.reference))
    }
}
