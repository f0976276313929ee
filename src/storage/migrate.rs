//! Brings a database to today's schema, under a lock, so that several processes may start at once.
//!
//! Migrations expand, then contract: a release adds what it needs and a later one takes away what nobody reads any more, so
//! that the release before keeps working. Which of the two one is stands in its name: a program runs on a database that has
//! later migrations than it knows, unless the name of one of them ends in `_contract`, and leaves them as they are. A migration
//! that has run never changes: its digest is compared at each start.
//!
//! To add one: a file of the next number for each engine, and a line in [`scripts`]. One that a program that does not know it
//! would run into (a column or table that goes, a column without a default that it has no value for, a narrower constraint) is
//! `NNNN_…_contract`.

use super::engine::{Engine, Row, Store, Tx};
use crate::{
    kernel::{
        clock::Clock,
        digest::sha256,
        fault::{Code, Fault, Result},
    },
    params, statements,
};

struct Migration {
    version: i64,
    name: &'static str,
    script: &'static str,
}

macro_rules! migration {
    ($engine:literal, $version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            script: include_str!(concat!("migrations/", $engine, "/", $name, ".sql")),
        }
    };
}

fn scripts(engine: Engine) -> &'static [Migration] {
    match engine {
        Engine::Sqlite => &[
            migration!("sqlite", 1, "0001_foundation"),
            migration!("sqlite", 2, "0002_incidents"),
            migration!("sqlite", 3, "0003_idempotency"),
            migration!("sqlite", 4, "0004_antivirus"),
            migration!("sqlite", 5, "0005_retention"),
            migration!("sqlite", 6, "0006_deliveries"),
            migration!("sqlite", 7, "0007_archives"),
            migration!("sqlite", 8, "0008_cft"),
            migration!("sqlite", 9, "0009_sending"),
            migration!("sqlite", 10, "0010_hubee"),
            migration!("sqlite", 11, "0011_forward_parts"),
            migration!("sqlite", 12, "0012_key_use"),
            migration!("sqlite", 13, "0013_acknowledgment_told"),
            migration!("sqlite", 14, "0014_redelivery_reason"),
            migration!("sqlite", 15, "0015_gone"),
            migration!("sqlite", 16, "0016_partner_info"),
        ],
        Engine::Postgres => &[
            migration!("postgres", 1, "0001_foundation"),
            migration!("postgres", 2, "0002_incidents"),
            migration!("postgres", 3, "0003_idempotency"),
            migration!("postgres", 4, "0004_antivirus"),
            migration!("postgres", 5, "0005_retention"),
            migration!("postgres", 6, "0006_deliveries"),
            migration!("postgres", 7, "0007_archives"),
            migration!("postgres", 8, "0008_cft"),
            migration!("postgres", 9, "0009_sending"),
            migration!("postgres", 10, "0010_hubee"),
            migration!("postgres", 11, "0011_forward_parts"),
            migration!("postgres", 12, "0012_key_use"),
            migration!("postgres", 13, "0013_acknowledgment_told"),
            migration!("postgres", 14, "0014_redelivery_reason"),
            migration!("postgres", 15, "0015_gone"),
            migration!("postgres", 16, "0016_partner_info"),
        ],
    }
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version bigint PRIMARY KEY, name text NOT NULL, digest bytea NOT NULL, applied_at bigint NOT NULL)";
const TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL, applied_at INTEGER NOT NULL)";
/// Any number, the same for all processes of this house ("navette" in ASCII, shortened).
const LOCK: &str = "SELECT pg_advisory_xact_lock(31084746243437669)";

/// The end of the name of a migration that takes away what an earlier release needs.
const CONTRACTING: &str = "_contract";

/// For this transaction alone.
const UNHURRIED: &str = "SET LOCAL statement_timeout = 0";

statements! {
    APPLIED = "SELECT version, digest, name FROM schema_migration ORDER BY version";
    RECORD = "INSERT INTO schema_migration (version, name, digest, applied_at) VALUES ($1, $2, $3, $4)";
}

/// What a database says of a migration that was applied to it.
struct Applied {
    version: i64,
    digest: [u8; 32],
    name: String,
}

/// Applies what is missing; answers the names of what was applied. An index of a large table takes its minutes, in which
/// nobody writes to that table.
///
/// Fails with `configuration` where a later release has taken away what this program needs, or an applied script has changed.
pub async fn migrate(store: &Store, clock: &Clock) -> Result<Vec<&'static str>> {
    let clock = clock.clone();
    let applying = store.write_at_length(move |tx| apply(tx, &clock));
    let (applied, later) = applying.await?;
    tell(&later);
    Ok(applied)
}

/// Looks whether this program can run on the database's schema, and changes nothing. Fails with `configuration` where it cannot.
pub async fn check_current(store: &Store) -> Result<()> {
    let expected = scripts(store.engine());
    let done = store
        .read(applied)
        .await
        .map_err(|fault| match fault.code() {
            Code::Unavailable => fault,
            _ => refused("the database has no schema yet: run `navette migrate`").because(fault),
        })?;
    tell(&later(expected, &done)?);
    match done.len() >= expected.len() {
        true => Ok(()),
        false => Err(refused(
            "the database is older than this program: run `navette migrate`",
        )),
    }
}

/// Version and digest of each migration that was applied, in order: what makes two schemas the same.
pub fn applied_to(tx: &mut Tx<'_>) -> Result<Vec<(i64, [u8; 32])>> {
    let done = applied(tx)?.into_iter();
    Ok(done.map(|one| (one.version, one.digest)).collect())
}

/// Answers what was applied now, and what a later release has applied before.
fn apply(tx: &mut Tx<'_>, clock: &Clock) -> Result<(Vec<&'static str>, Vec<String>)> {
    match tx.engine() {
        // The writing transaction is SQLite's own lock.
        Engine::Sqlite => tx.script(TABLE_SQLITE)?,
        Engine::Postgres => {
            tx.script(UNHURRIED)?;
            tx.script(LOCK)?;
            tx.script(TABLE)?;
        }
    }
    let scripts = scripts(tx.engine());
    let done = applied(tx)?;
    let later = later(scripts, &done)?;
    let mut names = Vec::new();
    for migration in scripts.iter().skip(done.len()) {
        tx.script(migration.script)?;
        let digest = sha256(migration.script.as_bytes());
        tx.execute(
            RECORD,
            &params![migration.version, migration.name, digest, clock.now()],
        )?;
        names.push(migration.name);
    }
    Ok((names, later))
}

fn applied(tx: &mut Tx<'_>) -> Result<Vec<Applied>> {
    let rows = tx.query(APPLIED, &[])?;
    let read = |row: &Row| {
        Ok(Applied {
            version: row.get(0)?,
            digest: row.get(1)?,
            name: row.get(2)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The migrations of a later release, none of which takes anything away. Fails where one does, or where what this program
/// knows was applied otherwise.
fn later(scripts: &[Migration], done: &[Applied]) -> Result<Vec<String>> {
    let same = |(migration, applied): (&Migration, &Applied)| {
        migration.version == applied.version
            && sha256(migration.script.as_bytes()) == applied.digest
    };
    if !scripts.iter().zip(done).all(same) {
        return Err(refused("a migration that was applied has changed since"));
    }
    let later = done.iter().skip(scripts.len()).map(|one| &one.name);
    match later.clone().find(|name| name.ends_with(CONTRACTING)) {
        None => Ok(later.cloned().collect()),
        Some(name) => Err(refused(&format!(
            "the database is newer than this program: {name} has taken away what it needs"
        ))),
    }
}

fn tell(later: &[String]) {
    if !later.is_empty() {
        tracing::info!(?later, "the database has the schema of a later release");
    }
}

fn refused(why: &str) -> Fault {
    Fault::new(Code::Configuration, why)
}
