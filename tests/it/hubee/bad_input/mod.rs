//! What a client may get wrong. It is told everything at once, in the words that deployed clients look for, and nothing of it
//! is stored.
//!
//! | file | what is wrong |
//! |---|---|
//! | `folders` | a folder's body: its fields, its process, its recipients, its attachments |
//! | `patches` | statuses, deletions, and a completion that comes too early |
//! | `uploads` | bytes that are not what was said, too many of them, too few |
//! | `viruses` | what the antivirus finds, or cannot say |
//! | `events` | events that the process, the actor or the rules do not allow |
//! | `questions` | query strings, ids, dates, large bodies |
//! | `strangers` | tokens expired, foreign or forged; what belongs to others |
//! | `referential` | organisations, processes and subscriptions |

mod events;
mod folders;
mod patches;
mod questions;
mod referential;
mod strangers;
mod uploads;
mod viruses;

use crate::kit::{
    gateway::{Engine, Kit},
    hubee::hub::Hub,
};

/// A hub on the embedded engine, for what is refused before any statement.
async fn hub() -> Hub {
    Hub::open(Kit::new(Engine::Sqlite)).await
}
