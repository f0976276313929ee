//! The two engines behind one small door: [`Store::write`] runs a unit of work in a transaction, [`Store::read`] outside of one.
//!
//! A unit is a plain closure over [`Tx`], written once for both engines; it runs on a thread of the engine's own and may run
//! again (see `unit`). SQLite has one writing thread that runs the waiting units together under one commit, and a few
//! reading ones; PostgreSQL has one thread per connection. Statements take `$1`, `$2`… in order of first appearance.
//!
//! To add a statement: put it in the file of its domain, with [`statements!`](crate::statements), so that the tests prepare
//! it on both engines.

mod postgres;
mod sqlite;
mod unit;
mod upkeep;
mod value;

use std::{path::Path, time::Duration};

pub use value::{FromValue, Row, Value, is_text};

use self::unit::{Unit, unit};
use crate::kernel::fault::{Fault, Result};

/// How long a caller waits for its unit before it is told `unavailable`.
const WAIT: Duration = Duration::from_secs(30);
/// How many units may wait before callers are told `unavailable` at once.
const QUEUE: usize = 16_384;

/// Which of the two databases stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, in one file.
    Sqlite,
    /// A server, for several processes and machines.
    Postgres,
}

/// What a process may do with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write; SQLite's file is made where it is missing.
    Full,
    /// Read what is there; a write fails with `unavailable`, and the database itself would refuse it.
    ReadOnly,
}

/// Where units wait for a thread of the engine's.
type Queue = crossbeam_channel::Sender<Box<dyn Unit>>;

/// A cheap handle on the database.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    access: Access,
    writers: Queue,
    /// The same as `writers` on SQLite, where all writes run together.
    together: Queue,
    readers: Queue,
    upkeep: upkeep::Place,
}

impl Store {
    /// Opens (and creates) the SQLite file at `path`, with `readers` reading threads.
    pub fn sqlite(path: &Path, readers: usize, access: Access) -> Result<Self> {
        let (writers, write_queue) = crossbeam_channel::bounded(QUEUE);
        let (reading, read_queue) = crossbeam_channel::bounded(QUEUE);
        sqlite::start(path, readers, access, &write_queue, &read_queue)?;
        Ok(Self {
            engine: Engine::Sqlite,
            access,
            together: writers.clone(),
            writers,
            readers: reading,
            upkeep: upkeep::Place::Sqlite(path.into()),
        })
    }

    /// Connects to PostgreSQL with `connections` connections, made when first needed and again after a loss.
    /// `password` is for a URL that has none.
    pub fn postgres(
        url: &str,
        password: Option<&[u8]>,
        connections: usize,
        access: Access,
    ) -> Result<Self> {
        let (writers, writes) = crossbeam_channel::bounded(QUEUE);
        let (joining, together) = crossbeam_channel::bounded(QUEUE);
        let (reading, reads) = crossbeam_channel::bounded(QUEUE);
        let config = postgres::config(url, password, access)?;
        let queues = postgres::Queues {
            writes,
            together,
            reads,
        };
        postgres::start(&config, connections, &queues)?;
        Ok(Self {
            engine: Engine::Postgres,
            access,
            writers,
            together: joining,
            readers: reading,
            upkeep: upkeep::Place::Postgres(Box::new(config)),
        })
    }

    /// Whether [`Store::postgres`] reads `url`; nothing is connected to. Fails with code `configuration`.
    pub fn check_postgres(url: &str) -> Result<()> {
        postgres::config(url, None, Access::ReadOnly).map(drop)
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    fn writable(&self) -> Result<()> {
        match self.access {
            Access::Full => Ok(()),
            Access::ReadOnly => Err(Fault::unavailable("the database was opened for reading")),
        }
    }

    /// Runs `work` in one transaction and answers once it is durable. An `Err` of the closure rolls back its writes alone.
    ///
    /// Fails with `unavailable` where the database does not answer within 30 s: the outcome is then unknown, and whoever
    /// retries must be able to (the natural keys see to it); with `storage-full` where it has no room.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.writable()?;
        submit(&self.writers, work).await
    }

    /// The same as [`Store::write`] for as long as it takes: for migrations, whose statements lift the server's own limits.
    pub async fn write_at_length<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.writable()?;
        wait_for(&self.writers, work).await
    }

    /// The same as [`Store::write`] for short units that many make at once: those that wait run together under one commit, on
    /// PostgreSQL too. A unit that runs with others ([`Tx::is_together`]) should await no answer, and lets a statement
    /// fail where something is not as it expects: each of them then runs again, alone.
    pub async fn write_together<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.writable()?;
        submit(&self.together, work).await
    }

    /// Has the database give up the bytes of rows that are dead: SQLite's log is brought home and cut to nothing, PostgreSQL
    /// vacuums `tables`, which leaves them in its pages until they are written over. Answers `false` where a reader stood
    /// in the way; the next time will do. With `rewrite` the files themselves are written anew, which keeps everybody
    /// else waiting meanwhile. For as long as it takes.
    pub async fn scrub(&self, tables: &'static [&'static str], rewrite: bool) -> Result<bool> {
        self.upkeep.clone().scrub(tables, rewrite).await
    }

    /// Runs `work`, which only reads, on a connection of its own, in one transaction that sees one instant of the database
    /// however long it takes. For backups.
    pub async fn snapshot<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.upkeep.clone().snapshot(work).await
    }

    /// Runs `work`, which only reads, outside of a transaction: each of its statements sees the latest commit.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        submit(&self.readers, work).await
    }
}

async fn submit<T, F>(queue: &Queue, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let answer = tokio::time::timeout(WAIT, wait_for(queue, work)).await;
    answer.unwrap_or_else(|_| Err(Fault::unavailable("the database did not answer in time")))
}

async fn wait_for<T, F>(queue: &Queue, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (unit, answer) = unit(work);
    queue
        .try_send(unit)
        .map_err(|_| Fault::unavailable("the database's queue is full or closed"))?;
    let answer = answer.await;
    answer.unwrap_or_else(|_| Err(Fault::unavailable("the database's thread has stopped")))
}

/// Runs the body of an engine's thread: a panic there would leave every caller waiting, so the process ends and is restarted.
fn or_abort(body: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
        tracing::error!("a database thread panicked: the process ends");
        std::process::abort();
    }
}

/// A transaction in progress, or a connection that only reads.
pub struct Tx<'c>(Kind<'c>);

enum Kind<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut postgres::Session),
}

/// A statement and its parameters, for [`Tx::batch`].
pub type Statement<'s> = (&'s str, &'s [Value]);

/// The same made before its transaction, which runs it with [`Tx::run_all`].
pub type Prepared = (&'static str, Vec<Value>);

impl Tx<'_> {
    /// Which engine runs it: for the few statements that differ.
    pub fn engine(&self) -> Engine {
        match self.0 {
            Kind::Sqlite(_) => Engine::Sqlite,
            Kind::Postgres(_) => Engine::Postgres,
        }
    }

    /// Whether other units stand under the same commit and an answer would keep them waiting. Never on SQLite, where an
    /// answer costs nothing.
    pub fn is_together(&self) -> bool {
        match &self.0 {
            Kind::Sqlite(_) => false,
            Kind::Postgres(session) => session.is_together,
        }
    }

    /// Runs one statement; answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        match &mut self.0 {
            Kind::Sqlite(connection) => sqlite::execute(connection, sql, params),
            Kind::Postgres(session) => session.execute(sql, params),
        }
    }

    /// Runs statements that do not depend on each other's answers, in order, in one round trip.
    pub fn batch(&mut self, statements: &[Statement<'_>]) -> Result<()> {
        match &mut self.0 {
            Kind::Sqlite(connection) => statements
                .iter()
                .try_for_each(|(sql, params)| sqlite::execute(connection, sql, params).map(drop)),
            Kind::Postgres(session) => session.batch(statements),
        }
    }

    /// Runs statements that were made before the transaction, as [`Tx::batch`] does.
    pub fn run_all(&mut self, prepared: &[Prepared]) -> Result<()> {
        let statements = prepared.iter();
        let statements: Vec<Statement<'_>> = statements
            .map(|(sql, values)| (*sql, &values[..]))
            .collect();
        self.batch(&statements)
    }

    /// Runs one query; all its rows.
    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        match &mut self.0 {
            Kind::Sqlite(connection) => sqlite::query(connection, sql, params),
            Kind::Postgres(session) => session.query(sql, params),
        }
    }

    /// Runs one query; its first row, if any.
    pub fn first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs one query within a snapshot and hands its rows to `each`, one after the other, whatever their number.
    /// `name` is of letters and underscores, and no other query's of this snapshot.
    pub fn walk(
        &mut self,
        name: &str,
        sql: &str,
        each: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        match &mut self.0 {
            Kind::Sqlite(connection) => sqlite::walk(connection, sql, each),
            Kind::Postgres(session) => session.walk(name, sql, each),
        }
    }

    /// Runs a script without parameters (migrations).
    pub fn script(&mut self, sql: &str) -> Result<()> {
        match &mut self.0 {
            Kind::Sqlite(connection) => sqlite::script(connection, sql),
            Kind::Postgres(session) => session.script(sql),
        }
    }

    /// Prepares a statement without running it (the test of all statements).
    pub fn prepare(&mut self, sql: &str) -> Result<()> {
        match &mut self.0 {
            Kind::Sqlite(connection) => sqlite::prepare(connection, sql),
            Kind::Postgres(session) => session.prepare(sql).map(drop),
        }
    }
}

/// Declares the statements of a storage file, and `ALL`, the list that the tests prepare on both engines.
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: &str = $sql;)+
        /// Every statement of this file, by name.
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name),)+];
    };
}
