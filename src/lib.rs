//! Navette: a document-exchange gateway. Every file arrives whole, is acknowledged with a signed receipt, and is answered
//! exactly once.
//!
//! # Where to start
//!
//! 1. [`domain::pieces::intake`]: the main job, from metadata to receipt. Most of the rest is there so that it can be short.
//! 2. [`storage`] and [`vault`]: what "durable" means here; [`storage::exchanges`] shows how a statement is written.
//! 3. [`worker`] and [`domain::jobs`]: leases, settlements; then [`domain::returns`]: the one return and its delivery.
//! 4. [`http`]: the front door; [`http::api`]: the operations; `http::problem`: the one table from fault to status.
//! 5. [`app`]: how it is put together; [`cli`]: how it is called.
//!
//! | room | what it is for |
//! |---|---|
//! | [`kernel`] | clock, entropy, faults, digests, seals: no input, no output |
//! | [`config`] | settings, every error of a load in one report |
//! | [`domain`] | what the gateway does, in the field's words: no HTTP, no SQL, no socket |
//! | [`storage`] | SQL and nothing else, one text for SQLite and PostgreSQL |
//! | [`vault`] | encrypted blobs on the local disk |
//! | [`sandbox`] | the children in which documents are opened |
//! | [`outbound`] | HTTPS to partners |
//! | [`transport`] | depots: folder, SFTP, FTPS, CFT |
//! | [`http`] | listeners, TLS, deadlines, the operations of the contract |
//! | [`worker`] | leases jobs, runs them, settles them |
//! | [`app`] | the composition root |
//! | [`cli`] | one file per command |
//!
//! # Arrows
//!
//! `cli → app → everything`; `http`, `worker` → `domain` → `storage`, `vault`, `outbound` → `kernel`. A test (`tests/it/tidy`)
//! reads the `use` lines and holds them to this.
//!
//! # What always holds
//!
//! - Nothing is acknowledged before it is durable: blob, directory, transaction, then the answer.
//! - A change of state is one transaction with its journal entry and its next job; a unit of work can run again.
//! - Exactly one return per exchange, delivered at least once under one id.
//! - Personal data are sealed under a key that can be destroyed; the journal holds none.
//! - Time and randomness are parameters. Every loop has a limit, every wait a deadline, every retry a backoff.
//!
//! `ARCHITECTURE.md` tells the ways in full, and what is not here.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod kernel;
pub mod outbound;
pub mod sandbox;
pub mod storage;
pub mod transport;
pub mod vault;
pub mod worker;
