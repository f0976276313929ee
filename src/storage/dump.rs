//! Whole tables, for backups: read as they are in one instant, put back into a database of the same schema.
//!
//! The tables and their columns are asked of the database, so that a new one is in the next backup by itself.

use super::engine::{Engine, Row, Tx, Value};
use crate::{
    kernel::fault::{Code, Fault, Result},
    params,
};

/// A table, as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<String>,
}

/// What a restoration does not put back: the migrations, which are the schema's own, and the leases of processes that are gone.
const NOT_RESTORED: [&str; 2] = ["schema_migration", "lease"];

const TABLES_SQLITE: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
const COLUMNS_SQLITE: &str = "SELECT name FROM pragma_table_info($1) ORDER BY cid";
const TABLES_POSTGRES: &str = "SELECT CAST(table_name AS text) FROM information_schema.tables \
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name";
const COLUMNS_POSTGRES: &str = "SELECT CAST(column_name AS text) FROM information_schema.columns \
    WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";

/// The statements that differ, for the preparation test.
pub(super) fn of_engine(engine: Engine) -> Vec<(&'static str, &'static str)> {
    match engine {
        Engine::Sqlite => vec![
            ("TABLES_SQLITE", TABLES_SQLITE),
            ("COLUMNS_SQLITE", COLUMNS_SQLITE),
        ],
        Engine::Postgres => vec![
            ("TABLES_POSTGRES", TABLES_POSTGRES),
            ("COLUMNS_POSTGRES", COLUMNS_POSTGRES),
        ],
    }
}

/// Every table, by name.
pub fn tables(tx: &mut Tx<'_>) -> Result<Vec<Table>> {
    let (tables, columns) = match tx.engine() {
        Engine::Sqlite => (TABLES_SQLITE, COLUMNS_SQLITE),
        Engine::Postgres => (TABLES_POSTGRES, COLUMNS_POSTGRES),
    };
    let names = tx.query(tables, &[])?;
    names
        .iter()
        .map(|row| {
            let name: String = row.get(0)?;
            let columns = tx.query(columns, &params![&name])?;
            Ok(Table {
                name: plain(name)?,
                columns: columns
                    .iter()
                    .map(|row| plain(row.get(0)?))
                    .collect::<Result<_>>()?,
            })
        })
        .collect()
}

/// The tables that are put back.
pub fn restored(tables: Vec<Table>) -> Vec<Table> {
    let is_restored = |table: &Table| !NOT_RESTORED.contains(&table.name.as_str());
    tables.into_iter().filter(is_restored).collect()
}

/// A name that can stand in a statement. Ours all can.
fn plain(name: String) -> Result<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match !name.is_empty() && name.chars().all(fits) {
        true => Ok(name),
        false => Err(Fault::new(
            Code::Configuration,
            format!("a table or column of another's: {name:?}"),
        )),
    }
}

/// Hands every row of a table to `each`, within a snapshot.
pub fn rows(tx: &mut Tx<'_>, table: &Table, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
    tx.walk(&table.name, &sql, each)
}

/// Puts rows back.
pub fn insert(tx: &mut Tx<'_>, table: &Table, rows: &[Vec<Value>]) -> Result<()> {
    let places: Vec<_> = (1..=table.columns.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        table.name,
        table.columns.join(", "),
        places.join(", ")
    );
    let statements: Vec<_> = rows.iter().map(|row| (&*sql, &row[..])).collect();
    tx.batch(&statements)
}

/// Whether a table has no row.
pub fn is_empty(tx: &mut Tx<'_>, table: &Table) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
    Ok(tx.first(&sql, &[])?.is_none())
}

/// Takes every row out of a table, for a restoration that begins again.
pub fn empty(tx: &mut Tx<'_>, table: &Table) -> Result<()> {
    tx.execute(&format!("DELETE FROM {}", table.name), &[])
        .map(drop)
}
