//! The HubEE hub as its clients meet it: OSLs, SIs, the portal, DataPass.
//!
//! | file | what is shown |
//! |---|---|
//! | `attachments` | files on their way in and out, and the antivirus between |
//! | `bad_input` | what a client may get wrong, and what it is told |
//! | `batches` | what is due each day is purged, archived, deleted, reported |
//! | `cases` | statuses and what follows for files, first readings, the move to another organisation |
//! | `conformity` | schemathesis over the four contracts |
//! | `damage` | every way in which the hub's rows may disagree, found by the inspection |
//! | `delivery` | the process killed at any moment: a télédossier is notified whole or not at all |
//! | `digests` | the mail of a day, by the clock, and in whose name |
//! | `events` | what is posted on a case, what follows from it, who is told |
//! | `folders` | complete, close, open again, withdraw |
//! | `forward` | what a project sends on as télédossiers |
//! | `holds` | what a legal hold keeps from those who send |
//! | `journeys` | whole télédossiers, and the habits of deployed clients |
//! | `mails` | who is told by mail, and how often |
//! | `moves` | an organisation's cases move while others are created and completed |
//! | `notifications` | the queue of an organisation |
//! | `page` | the page of `deploy/hubee`, played as it is written |
//! | `plans` | the engines' plans for the hub's statements: by an index, however large the tables grow |
//! | `points` | the process killed before, within and after an upload and a completion |
//! | `referential` | organisations, processes, subscriptions, and the file that brings them |
//! | `requests` | heads and bodies: what is told at once, what is too much |
//! | `rush` | tokens asked for at every call, beside télédossiers |
//! | `tokens` | who gets a token, and what it is good for |
//! | `walk` | each operation of the contracts: served, and closed to who has no right |

mod attachments;
mod bad_input;
mod batches;
mod cases;
mod conformity;
mod damage;
mod delivery;
mod digests;
mod events;
mod folders;
mod forward;
mod holds;
mod journeys;
mod mails;
mod moves;
mod notifications;
mod page;
pub mod plans;
mod points;
mod referential;
mod requests;
mod rush;
mod tokens;
mod walk;
