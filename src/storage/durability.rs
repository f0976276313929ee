//! Whether the database's server keeps what it has confirmed when its machine fails. SQLite's file is ours to sync; of
//! PostgreSQL each session of ours demands `synchronous_commit` (see `engine::postgres`), and the rest is the server's own.

use super::engine::{Engine, Store};
use crate::kernel::fault::Result;

const OFF: &str = "SELECT CAST(name AS text) FROM pg_settings \
    WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY 1";

/// The statements that differ, for the preparation test.
pub(super) fn of_engine(engine: Engine) -> Vec<(&'static str, &'static str)> {
    match engine {
        Engine::Sqlite => Vec::new(),
        Engine::Postgres => vec![("OFF", OFF)],
    }
}

/// The settings of the server that are off and without which a cut of its power may lose what was acknowledged, or damage
/// all of the database.
pub async fn missing(store: &Store) -> Result<Vec<String>> {
    if store.engine() == Engine::Sqlite {
        return Ok(Vec::new());
    }
    store
        .read(|tx| tx.query(OFF, &[])?.iter().map(|row| row.get(0)).collect())
        .await
}
