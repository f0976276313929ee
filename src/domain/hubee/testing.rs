//! What the unit tests of the hub's domain share.

use std::sync::Arc;

use super::{Caller, Client, PartnerInfo, Scope};

/// A caller of that scope and organisation, limited to one process or to none.
pub fn caller(scope: Scope, organization: &str, process: Option<&str>) -> Caller {
    Caller {
        client: Arc::new(Client {
            id: "essai".to_owned(),
            name: "Essai".to_owned(),
            organization: organization.parse().expect("an id of an organisation"),
            scope,
            processes: process.map(|process| vec![process.to_owned()]),
            secret_sha256: [0; 32],
            revoked_at: None,
        }),
        partner: PartnerInfo::default(),
    }
}
