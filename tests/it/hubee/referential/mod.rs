//! The referential: organisations, processes and subscriptions as the contracts have them, and the file that brings them all.
//!
//! | file | what is shown |
//! |---|---|
//! | `organizations` | created, read, replaced, listed (R50, R53) |
//! | `processes` | the same, and what a deactivated one refuses (R51, R53) |
//! | `subscriptions` | created, read, replaced; what of them is nobody else's (R52) |
//! | `lists` | subscriptions narrowed, ordered, counted (R53) |
//! | `activation` | subscriptions that become active on their day (R52) |
//! | `software` | what is kept of the software that creates them (R4) |
//! | `races` | several who write the same at once |
//! | `import` | a whole referential from one file |

mod activation;
mod import;
mod lists;
mod organizations;
mod processes;
mod races;
mod software;
mod subscriptions;
