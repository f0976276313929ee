//! SQLite: one writing thread that commits waiting units together, and a few reading threads.
//!
//! `synchronous=FULL` in WAL mode makes each commit durable; grouping is what pays for it. If a group fails as a whole it is
//! rolled back and its members run alone. A commit that fails by an input/output error has an unknown outcome: the process
//! ends, and the next one reads the disk.

use std::{path::Path, thread, time::Duration};

use crossbeam_channel::Receiver;
use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    config::DbConfig,
    types::{ToSql, ToSqlOutput, ValueRef},
};

use super::{Access, Kind, Row, Tx, Unit, Value};
use crate::kernel::fault::{Code, Fault, Result};

/// How many units one commit may carry.
const GROUP: usize = 256;
/// How long a writer waits for another process's transaction: a disk that is behind keeps a commit for seconds.
const BUSY: Duration = Duration::from_secs(20);
/// How many prepared statements a connection keeps.
const PREPARED: usize = 256;
/// The exit code of a process whose commit has an unknown outcome (EX_IOERR of sysexits).
const EXIT_UNKNOWN_COMMIT: i32 = 74;

pub(super) fn start(
    path: &Path,
    readers: usize,
    access: Access,
    writes: &Receiver<Box<dyn Unit>>,
    reads: &Receiver<Box<dyn Unit>>,
) -> Result<()> {
    if access == Access::Full {
        let writer = connect(path, access)?;
        let queue = writes.clone();
        spawn("sqlite-writer", move || write_loop(&writer, &queue))?;
    }
    for _ in 0..readers.max(1) {
        let reader = connect(path, access)?;
        reader.execute_batch(READER).map_err(fault)?;
        let queue = reads.clone();
        spawn("sqlite-reader", move || read_loop(&reader, &queue))?;
    }
    Ok(())
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || super::or_abort(body))
        .map(drop)
        .map_err(Fault::internal)
}

/// What a connection is told first. One that only reads leaves the file's own settings as they are.
const SETTINGS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
     PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;
     PRAGMA wal_autocheckpoint=16000; PRAGMA journal_size_limit=67108864;";
const SETTINGS_READ_ONLY: &str = "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;";
/// What those that read are told after that: each keeps pages of its own, which the system's cache has too.
const READER: &str = "PRAGMA cache_size=-2048;";

fn connect(path: &Path, access: Access) -> Result<Connection> {
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let (flags, settings) = match access {
        Access::Full => (OpenFlags::default(), SETTINGS),
        Access::ReadOnly => (read_only, SETTINGS_READ_ONLY),
    };
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // A plan is made once, whatever is bound to it: by itself SQLite prepares a statement anew at each run where it could
    // guess better for the bound values, which took half of a reader's time.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(fault)?;
    connection.execute_batch(settings).map_err(fault)?;
    Ok(connection)
}

fn read_loop(connection: &Connection, queue: &Receiver<Box<dyn Unit>>) {
    while let Ok(mut unit) = queue.recv() {
        let outcome = unit.run(&mut Tx(Kind::Sqlite(connection)));
        unit.settle(outcome);
    }
}

fn write_loop(connection: &Connection, queue: &Receiver<Box<dyn Unit>>) {
    while let Ok(first) = queue.recv() {
        // Where the processors are busy, those that are about to come go first, and share the commit.
        thread::yield_now();
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP - 1));
        commit_together(connection, group);
    }
}

/// Runs the group under one commit; if the group as a whole fails, each member alone.
fn commit_together(connection: &Connection, mut group: Vec<Box<dyn Unit>>) {
    let mut outcome = attempt(connection, &mut group);
    if matches!(&outcome, Err(fault) if fault.code() == Code::StorageFull) {
        make_room(connection);
        outcome = attempt(connection, &mut group);
    }
    match outcome {
        Ok(outcomes) => settle(group, outcomes),
        Err(_) if group.len() > 1 => {
            for unit in group {
                commit_together(connection, vec![unit]);
            }
        }
        Err(fault) => settle(group, vec![Err(fault)]),
    }
}

/// Brings the log's pages home, so that the next commit overwrites the log instead of growing it: on a full disk the log
/// would keep its room for good, for it is otherwise emptied only once it is long.
fn make_room(connection: &Connection) {
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)") {
        tracing::warn!(%error, "the disk is full and the log cannot be emptied");
    }
}

fn settle(group: Vec<Box<dyn Unit>>, outcomes: Vec<Result<()>>) {
    for (unit, outcome) in group.into_iter().zip(outcomes) {
        unit.settle(outcome);
    }
}

/// One transaction over the group: the members' own outcomes if it is durable, the fault that took all down otherwise.
///
/// Nearly always all members succeed, so at first nothing stands between them: a savepoint for each copies every page that it
/// touches, which took a twelfth of the writer's time. Where one fails, all is undone and each runs again within its own.
fn attempt(connection: &Connection, group: &mut [Box<dyn Unit>]) -> Result<Vec<Result<()>>> {
    script(connection, "BEGIN IMMEDIATE")?;
    let failed = group
        .iter_mut()
        .find_map(|unit| unit.run(&mut Tx(Kind::Sqlite(connection))).err());
    let Some(fault) = failed else {
        commit(connection)?;
        return Ok(group.iter().map(|_| Ok(())).collect());
    };
    if connection.is_autocommit() {
        // SQLite has rolled the whole transaction back (no room, input/output error).
        return Err(fault);
    }
    script(connection, "ROLLBACK")?;
    match group {
        [_] => Ok(vec![Err(fault)]),
        _ => attempt_apart(connection, group),
    }
}

/// The same with each member within a savepoint of its own.
fn attempt_apart(connection: &Connection, group: &mut [Box<dyn Unit>]) -> Result<Vec<Result<()>>> {
    script(connection, "BEGIN IMMEDIATE")?;
    let mut outcomes = Vec::with_capacity(group.len());
    for unit in group.iter_mut() {
        outcomes.push(member(connection, unit.as_mut()));
        if connection.is_autocommit() {
            let last = outcomes.pop().unwrap_or(Ok(()));
            return Err(last
                .err()
                .unwrap_or_else(|| Fault::unavailable("rolled back")));
        }
    }
    commit(connection)?;
    Ok(outcomes)
}

/// Runs one member within a savepoint of its own, so that its fault undoes its own writes only.
fn member(connection: &Connection, unit: &mut dyn Unit) -> Result<()> {
    execute(connection, "SAVEPOINT unit", &[])?;
    let outcome = unit.run(&mut Tx(Kind::Sqlite(connection)));
    if outcome.is_err() && !connection.is_autocommit() {
        execute(connection, "ROLLBACK TO unit", &[])?;
    }
    if !connection.is_autocommit() {
        execute(connection, "RELEASE unit", &[])?;
    }
    outcome
}

fn commit(connection: &Connection) -> Result<()> {
    let Err(error) = connection.execute_batch("COMMIT") else {
        return Ok(());
    };
    if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
        tracing::error!(%error, "commit of unknown outcome: the process ends, its successor reads the disk");
        std::process::exit(EXIT_UNKNOWN_COMMIT);
    }
    if !connection.is_autocommit() {
        script(connection, "ROLLBACK")?;
    }
    Err(fault(error))
}

/// Brings the log home and cuts it to nothing; `false` where a reader stands in the way.
pub(super) fn cut_log(path: &Path, rewrite: bool) -> Result<bool> {
    let connection = connect(path, Access::Full)?;
    if rewrite {
        script(&connection, "VACUUM")?;
    }
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0)
    });
    Ok(busy.map_err(fault)? == 0)
}

/// Reads one instant of the database.
pub(super) fn snapshot<T>(path: &Path, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let connection = connect(path, Access::ReadOnly)?;
    script(&connection, "BEGIN")?;
    let done = work(&connection);
    script(&connection, "COMMIT")?;
    done
}

pub(super) fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    let changed = statement
        .execute(rusqlite::params_from_iter(params))
        .map_err(fault)?;
    Ok(changed as u64)
}

pub(super) fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    let columns = statement.column_count();
    let rows = statement
        .query_map(rusqlite::params_from_iter(params), |row| {
            let values = (0..columns).map(|index| row.get_ref(index).map(value));
            Ok(Row(values.collect::<rusqlite::Result<_>>()?))
        })
        .map_err(fault)?;
    rows.collect::<rusqlite::Result<_>>().map_err(fault)
}

pub(super) fn walk(
    connection: &Connection,
    sql: &str,
    each: &mut dyn FnMut(Row) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare(sql).map_err(fault)?;
    let columns = statement.column_count();
    let mut rows = statement.query([]).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let values = (0..columns).map(|index| row.get_ref(index).map(value));
        each(Row(values
            .collect::<rusqlite::Result<_>>()
            .map_err(fault)?))?;
    }
    Ok(())
}

pub(super) fn script(connection: &Connection, sql: &str) -> Result<()> {
    connection.execute_batch(sql).map_err(fault)
}

pub(super) fn prepare(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare(sql).map(drop).map_err(fault)
}

fn value(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Real(v) => Value::Text(v.to_string()),
        ValueRef::Text(v) => Value::Text(String::from_utf8_lossy(v).into_owned()),
        ValueRef::Blob(v) => Value::from(v),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(v) => ToSqlOutput::Borrowed(ValueRef::Integer(*v)),
            Value::Bool(v) => ToSqlOutput::Borrowed(ValueRef::Integer((*v).into())),
            Value::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
            Value::Bytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
            Value::Uuid(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v.as_bytes())),
            Value::Json(v) => ToSqlOutput::from(v.to_string()),
        })
    }
}

fn fault(error: rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            Fault::new(Code::StorageFull, "Stockage plein.").because(error)
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory,
        ) => Fault::unavailable(error),
        _ => Fault::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_prepared_once_whatever_is_bound_to_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let connection = connect(&folder.path().join("some.db"), Access::Full).unwrap();
        let many = "CREATE TABLE job (run_at INTEGER, state TEXT); CREATE INDEX due ON job (run_at) WHERE state = 'queued';
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)
            INSERT INTO job SELECT i, 'queued' FROM n; ANALYZE;";
        script(&connection, many).unwrap();
        let due = "SELECT run_at FROM job WHERE run_at <= $1 AND state = $2 ORDER BY run_at";
        let mut statement = connection.prepare(due).unwrap();
        for state in ["queued", "failed", "queued"] {
            let found: Vec<i64> = statement
                .query_map((7, state), |row| row.get(0))
                .unwrap()
                .map(rusqlite::Result::unwrap)
                .collect();
            assert_eq!(found.len(), if state == "queued" { 7 } else { 0 });
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    /// A disk that is behind may keep another process's commit for that long.
    #[test]
    fn a_writer_waits_six_seconds_for_another_and_goes_on() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("some.db");
        let [other, own] = [(), ()].map(|()| connect(&path, Access::Full).unwrap());
        script(
            &other,
            "CREATE TABLE some (one INTEGER); BEGIN IMMEDIATE; INSERT INTO some VALUES (1)",
        )
        .unwrap();
        let committing = thread::spawn(move || {
            thread::sleep(Duration::from_secs(6));
            script(&other, "COMMIT").unwrap();
        });
        script(&own, "BEGIN IMMEDIATE; INSERT INTO some VALUES (2); COMMIT").unwrap();
        committing.join().unwrap();
        let rows = query(&own, "SELECT one FROM some", &[]).unwrap();
        assert_eq!(rows.len(), 2);
    }
}
