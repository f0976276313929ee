//! The HubEE hub: folders (télédossiers) that online services deposit for information systems, with what is said about
//! them on the way. A folder is an exchange of kind `teledossier`; vault, keys, journal, jobs and purge are the house's own.
//!
//! | file | what it holds |
//! |---|---|
//! | [`organization_id`] | the name of an organisation |
//! | [`scope`] | what a client is to the hub, and sets of it |
//! | [`client`], [`registry`] | who may call, as this process knows them |
//! | [`token`] | access tokens of the hub, and their grant |
//! | [`caller`] | who calls, and the software that it runs |
//! | [`perimeter`] | what a caller may touch |
//! | [`refusal`] | how the hub says no, and units of work that may |
//! | [`fields`], [`forms`], [`faults`] | a JSON body, every fault of it told at once |
//! | [`organization`] | who takes part in the hub |
//! | [`process`], [`process_list`] | the procedures, the rules of their files, and how they are shown |
//! | [`subscription`], [`subscription_body`], [`subscription_list`] | who receives what, read, written and listed |
//! | [`subscription_standing`] | where a subscription that is written stands, and from when on it is active |
//! | [`contact`] | persons of subscriptions, and the forms of their addresses |
//! | [`import`] | a whole referential from one file |
//! | [`activation`] | subscriptions that become active on their day |
//! | [`referential`] | what the journal keeps of changes of these |
//! | [`folder`] | what an online service deposits |
//! | [`case`] | what one recipient gets of it |
//! | [`status`], [`terms`] | where they stand, and what follows for their files |
//! | [`completion`], [`notification`] | how recipients learn of it |
//! | [`attachments`] | announced files, their uploads and downloads, the antivirus |
//! | [`events`] | what is done with a case and said about it |
//! | [`mails`] | what subscribers are told by mail |
//! | [`batches`] | what is due each day is activated, told, purged, archived, deleted |
//! | [`forward`] | what a project sends on as télédossiers |
//! | [`sight`], [`held`] | what a caller sees of cases and events, and what a legal hold keeps from it |
//!
//! To add an operation: its contract in `schemas/openapi`, a function here that takes a [`Caller`] and answers
//! [`Result`], its perimeter asked once the object is known to exist, and a handler in `http::hubee`.

pub mod activation;
pub mod attachments;
pub mod batches;
pub mod caller;
pub mod case;
pub mod client;
pub mod completion;
pub mod contact;
pub mod events;
pub mod faults;
pub mod fields;
pub mod folder;
pub mod forms;
pub mod forward;
pub mod held;
pub mod import;
pub mod mails;
pub mod notification;
pub mod organization;
pub mod organization_id;
pub mod perimeter;
pub mod process;
pub mod process_list;
pub mod referential;
pub mod refusal;
pub mod registry;
pub mod scope;
pub mod sight;
pub mod status;
pub mod subscription;
pub mod subscription_body;
pub mod subscription_list;
pub mod subscription_standing;
pub mod terms;
#[cfg(test)]
pub mod testing;
pub mod token;

pub use caller::{Caller, PartnerInfo};
pub use client::Client;
pub use faults::Faults;
pub use fields::{Document, Fields};
pub use organization_id::OrganizationId;
pub use refusal::{Refusal, Result};
pub use registry::Registry;
pub use scope::Scope;
pub use token::Tokens;
