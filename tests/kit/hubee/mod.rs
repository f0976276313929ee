//! What journeys through the HubEE hub use: its clients as they are deployed, a referential, télédossiers to send.
//!
//! | file | gives |
//! |---|---|
//! | `caller` | a client of the hub: real HTTPS without a certificate, a token, the calls |
//! | `referential` | made-up administrations, processes and subscriptions, in the contracts' own JSON |
//! | `build` | télédossiers and events as their senders write them, with their files |
//! | `hub` | a gateway with the hub open, the referential imported and one client of each kind |
//! | `sent` | a télédossier created, uploaded and completed by its OSL |
//!
//! ```ignore
//! let hub = Hub::open(kit).await;
//! let sent = hub.send("DGS-CERTDC-0000000000001").await;
//! let notified = hub.si.get("/teledossiers/v1/notifications").await;
//! ```

pub mod build;
pub mod caller;
pub mod hub;
pub mod referential;
pub mod sent;

/// Where folders, cases, events, attachments and notifications are.
pub const FOLDERS: &str = "/teledossiers/v1";
/// Where organisations, processes and subscriptions are.
pub const REFERENTIAL: &str = "/referential/v1";
