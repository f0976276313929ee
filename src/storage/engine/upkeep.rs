//! What is done beside the units of work, on a connection of its own and for as long as it takes: dead bytes given up, one
//! instant of the database read whole.

use std::path::PathBuf;

use super::{Kind, Tx, postgres, sqlite};
use crate::kernel::fault::{Fault, Result};

/// Where the database is.
#[derive(Clone)]
pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres(Box<tokio_postgres::Config>),
}

impl Place {
    pub(super) async fn scrub(
        self,
        tables: &'static [&'static str],
        rewrite: bool,
    ) -> Result<bool> {
        apart(move || match self {
            Self::Sqlite(path) => sqlite::cut_log(&path, rewrite),
            Self::Postgres(config) => postgres::vacuum(*config, tables, rewrite).map(|()| true),
        })
        .await
    }

    pub(super) async fn snapshot<T, F>(self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        apart(move || match self {
            Self::Sqlite(path) => {
                sqlite::snapshot(&path, |connection| work(&mut Tx(Kind::Sqlite(connection))))
            }
            Self::Postgres(config) => {
                postgres::snapshot(*config, |session| work(&mut Tx(Kind::Postgres(session))))
            }
        })
        .await
    }
}

/// On a thread of its own: it may take minutes, and PostgreSQL's sessions hold a runtime that must not be driven, or
/// dropped, from within another.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("upkeep".to_owned())
        .spawn(move || {
            // Whoever asked may have gone: the work is done all the same.
            let _ = reply.send(work());
        })
        .map_err(Fault::internal)?;
    answer.await.map_err(Fault::internal)?
}
