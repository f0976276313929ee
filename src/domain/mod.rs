//! What the gateway does, in the field's words: no HTTP, no SQL, no socket, no process.
//!
//! | room | what it is for |
//! |---|---|
//! | [`exchanges`] | what came in: metadata, where it stands |
//! | [`pieces`] | intake of a unit piece, and what its sender may see of it |
//! | [`archives`] | archives of pieces that depots hold: their way in and out |
//! | [`receipts`] | the signed proof of reception |
//! | [`processing`] | controls and processors, the list that grows |
//! | [`returns`] | the one return of an exchange and its delivery |
//! | [`journal`] | what happened, chained |
//! | [`ged`] | documents and keys, their terms, holds and purge |
//! | [`access`] | clients, scopes, tokens |
//! | [`hubee`] | the HubEE hub: folders, cases, events, notifications, its referential |
//! | [`cft`] | transfers of Axway's Transfer CFT, and what became of them |
//! | [`backup`] | the house as it was at one instant, and its restoration |
//! | [`incidents`] | anomaly, ticket, mail: one row per cause |
//! | [`jobs`] | durable work: queued, leased, settled |
//! | [`doctor`] | the inspection: store, database and journal compared |
//!
//! A [`Context`] carries what all of them share; an [`Operator`] is somebody who acts by a command.

pub mod access;
pub mod archives;
pub mod backup;
pub mod cft;
pub mod context;
pub mod doctor;
pub mod exchanges;
pub mod ged;
pub mod hubee;
pub mod incidents;
pub mod jobs;
pub mod journal;
pub mod operator;
pub mod pieces;
pub mod processing;
pub mod receipts;
pub mod returns;

pub use context::Context;
pub use operator::Operator;
