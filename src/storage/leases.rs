//! Named leases: what only one process at a time may do (the journal's sequencer, the sweeps).

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::engine::{Engine, Tx};
use crate::{
    kernel::fault::{Fault, Result},
    params, statements,
};

statements! {
    TAKE = "INSERT INTO lease (name, token, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
        SET token = excluded.token, until = excluded.until WHERE lease.until <= $4 OR lease.until > $5 \
        OR lease.token = excluded.token";
    TAKEN = "SELECT 1 FROM lease WHERE name = $1 AND until > $2 AND until <= $3";
    HELD = "SELECT 1 FROM lease WHERE name = $1 AND token = $2";
    RELEASE = "DELETE FROM lease WHERE name = $1 AND token = $2";
}

/// What asks who holds a lease, and keeps it his. On PostgreSQL the row stays locked until the transaction ends: nobody takes or
/// renews the lease between the question and its commit. SQLite has one writer.
const KEPT_SQLITE: &str = "SELECT 1 FROM lease WHERE name = $1 AND token = $2";
const KEPT_POSTGRES: &str = "SELECT 1 FROM lease WHERE name = $1 AND token = $2 FOR SHARE";

/// Longer than any lease: one that ends later was taken by a clock that has been set back since, and by nobody's rights.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);

/// Takes or renews the lease `name` until `until`; `false` where another holds it.
pub fn take(
    tx: &mut Tx<'_>,
    name: &str,
    token: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let beyond = now.checked_add(LONGEST).map_err(Fault::internal)?;
    Ok(tx.execute(TAKE, &params![name, token, until, now, beyond])? == 1)
}

/// Whether anybody holds the lease.
pub fn is_taken(tx: &mut Tx<'_>, name: &str, now: Timestamp) -> Result<bool> {
    let beyond = now.checked_add(LONGEST).map_err(Fault::internal)?;
    Ok(tx.first(TAKEN, &params![name, now, beyond])?.is_some())
}

/// Whether `token` still holds the lease: asked in the transaction of the effects, whose own rows tell a late holder that he is.
pub fn held(tx: &mut Tx<'_>, name: &str, token: Uuid) -> Result<bool> {
    Ok(tx.first(HELD, &params![name, token])?.is_some())
}

/// The same, so that a late holder cannot commit: nobody else takes the lease before that transaction ends. It is to be short,
/// since the lease is not renewed meanwhile.
pub fn kept(tx: &mut Tx<'_>, name: &str, token: Uuid) -> Result<bool> {
    let sql = match tx.engine() {
        Engine::Sqlite => KEPT_SQLITE,
        Engine::Postgres => KEPT_POSTGRES,
    };
    Ok(tx.first(sql, &params![name, token])?.is_some())
}

/// The statements that differ, for the preparation test.
pub(super) fn of_engine(engine: Engine) -> Vec<(&'static str, &'static str)> {
    match engine {
        Engine::Sqlite => vec![("KEPT_SQLITE", KEPT_SQLITE)],
        Engine::Postgres => vec![("KEPT_POSTGRES", KEPT_POSTGRES)],
    }
}

/// Gives the lease back (shutdown).
pub fn release(tx: &mut Tx<'_>, name: &str, token: Uuid) -> Result<()> {
    tx.execute(RELEASE, &params![name, token]).map(drop)
}
