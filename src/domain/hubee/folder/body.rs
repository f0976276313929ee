//! What is sealed of a folder and of its cases: all that is personal in them, under the key of the folder's exchange.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    domain::{
        Context,
        ged::documents::{self, Column},
    },
    kernel::{fault::Result, secret::Key},
    storage::{exchanges::ExchangeRow, hubee::cases::CaseRow},
};

/// What stands in the metadata of a folder's exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FolderBody {
    /// Its number at its sender's.
    pub external_id: String,
    /// Who applies.
    pub applicant: Applicant,
    /// The software that created it (R4), as the contract writes it; null where it did not say.
    pub partner_info: Json,
    /// For each attachment, in their order, the ordinals of the cases that it is for, in the order in which they were named.
    pub recipients: Vec<Vec<u32>>,
}

/// The person whom a folder is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applicant {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: Option<String>,
}

/// What is sealed of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseBody {
    /// Its number at its sender's.
    pub external_id: String,
    /// What its two sides' systems tell each other.
    pub partner_attributes: Option<String>,
}

impl Applicant {
    /// As the contract writes it.
    pub fn to_json(&self) -> Json {
        json!({ "firstName": self.first_name, "lastName": self.last_name, "email": self.email })
    }
}

impl FolderBody {
    /// Opens that of a folder's exchange.
    pub fn open(key: &Key, exchange: &ExchangeRow) -> Result<Self> {
        documents::open_json(key, Column::Metadata, &exchange.metadata)
    }

    /// Seals it for the exchange's row.
    pub fn seal(&self, ctx: &Context, key: &Key) -> Result<Vec<u8>> {
        documents::seal_json(ctx, key, Column::Metadata, self)
    }
}

impl CaseBody {
    /// Opens that of a case.
    pub fn open(key: &Key, case: &CaseRow) -> Result<Self> {
        documents::open_json(key, Column::HubCase, &case.body)
    }

    /// Seals it for the case's row.
    pub fn seal(&self, ctx: &Context, key: &Key) -> Result<Vec<u8>> {
        documents::seal_json(ctx, key, Column::HubCase, self)
    }
}
