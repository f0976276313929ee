//! PostgreSQL: one thread per connection, each with a small runtime of its own; a unit runs whole on one of them.
//!
//! A connection is made when a unit needs it and again after a loss; a unit whose connection was lost before its commit runs
//! once more on a fresh one. Serialization failures and deadlocks run again, five times at most. A commit whose answer was
//! lost has an unknown outcome: the caller is told `unavailable` and the natural keys make its retry harmless.

use std::{collections::HashMap, thread, time::Duration};

use crossbeam_channel::Receiver;
use futures_util::future::try_join_all;
use openssl::ssl::{SslConnector, SslMethod};
use postgres_openssl::MakeTlsConnector;
use tokio::runtime::Runtime;
use tokio_postgres::{
    Client, Config, Statement as Prepared,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};
use uuid::Uuid;

use super::{Access, Kind, Row, Statement, Tx, Unit, Value};
use crate::kernel::fault::{Code, Fault, Result};

/// How long one connection attempt may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The server refuses writes of a session that only reads.
const READ_ONLY: &str = "-c default_transaction_read_only=on";
/// How often a unit runs again after a deadlock or a lost connection.
const AGAIN: usize = 5;
/// The server's own limits for each connection: a statement, a lock, an abandoned transaction.
const SESSION: &str = "SET statement_timeout='25s'; SET lock_timeout='10s'; \
                       SET idle_in_transaction_session_timeout='60s'";

/// How to reach the server. Fails with code `configuration` where the URL does not read.
pub(super) fn config(url: &str, password: Option<&[u8]>, access: Access) -> Result<Config> {
    let mut config: Config = url
        .parse()
        .map_err(|error| Fault::new(Code::Configuration, "database.url").because(error))?;
    if let Some(password) = password {
        config.password(password);
    }
    if access == Access::ReadOnly {
        let own = config.get_options().unwrap_or_default();
        config.options(format!("{own} {READ_ONLY}"));
    }
    Ok(config)
}

pub(super) fn start(
    config: &Config,
    connections: usize,
    writes: &Receiver<Box<dyn Unit>>,
    reads: &Receiver<Box<dyn Unit>>,
) -> Result<()> {
    for _ in 0..connections.max(1) {
        let session = Session::new(config.clone())?;
        let queues = (writes.clone(), reads.clone());
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || super::or_abort(|| serve(session, &queues.0, &queues.1)))
            .map_err(Fault::internal)?;
    }
    Ok(())
}

/// Vacuums `tables`, each for as long as it takes; with `rewrite` each is written anew.
pub(super) fn vacuum(config: Config, tables: &[&str], rewrite: bool) -> Result<()> {
    let mut session = patient(config)?;
    let verb = if rewrite { "VACUUM FULL" } else { "VACUUM" };
    tables
        .iter()
        .try_for_each(|table| session.script(&format!("{verb} {table}")))
}

/// Reads one instant of the database.
pub(super) fn snapshot<T>(
    config: Config,
    work: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<T> {
    let mut session = patient(config)?;
    session.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let done = work(&mut session);
    session.script("COMMIT")?;
    done
}

/// A session whose statements and transactions may take as long as they need.
fn patient(config: Config) -> Result<Session> {
    let mut session = Session::new(config)?;
    session.connect()?;
    session.script("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")?;
    Ok(session)
}

/// Takes units from both queues until both are closed.
fn serve(mut session: Session, writes: &Receiver<Box<dyn Unit>>, reads: &Receiver<Box<dyn Unit>>) {
    loop {
        crossbeam_channel::select! {
            recv(writes) -> unit => match unit {
                Ok(unit) => run(&mut session, unit, true),
                Err(_) => return,
            },
            recv(reads) -> unit => match unit {
                Ok(unit) => run(&mut session, unit, false),
                Err(_) => return,
            },
        }
    }
}

/// Runs one unit to its end, again where that can help.
fn run(session: &mut Session, mut unit: Box<dyn Unit>, transaction: bool) {
    let mut outcome = Err(Fault::unavailable("not tried"));
    for _ in 0..AGAIN {
        outcome = session.attempt(unit.as_mut(), transaction);
        if !session.worth_again {
            break;
        }
    }
    unit.settle(outcome);
}

/// One connection, its prepared statements and the runtime that drives it.
pub(super) struct Session {
    runtime: Runtime,
    config: Config,
    client: Option<Client>,
    prepared: HashMap<String, Prepared>,
    /// Whether the last failure was one that a second run may not meet.
    worth_again: bool,
}

impl Session {
    fn new(mut config: Config) -> Result<Self> {
        config.connect_timeout(CONNECT).application_name("navette");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Fault::internal)?;
        Ok(Self {
            runtime,
            config,
            client: None,
            prepared: HashMap::new(),
            worth_again: false,
        })
    }

    fn attempt(&mut self, unit: &mut dyn Unit, transaction: bool) -> Result<()> {
        self.worth_again = false;
        self.connect()?;
        if transaction {
            self.script("BEGIN")?;
        }
        let outcome = unit.run(&mut Tx(Kind::Postgres(self)));
        match (&outcome, transaction) {
            (_, false) => outcome,
            (Ok(()), true) => self.commit(),
            (Err(_), true) => {
                // The unit's own fault is what the caller wants to know; a failed rollback ends the connection.
                if self.script("ROLLBACK").is_err() {
                    self.client = None;
                }
                outcome
            }
        }
    }

    fn commit(&mut self) -> Result<()> {
        let committed = self.script("COMMIT");
        if committed.is_err() && self.client.is_none() {
            self.worth_again = false;
        }
        committed
    }

    fn connect(&mut self) -> Result<()> {
        if self
            .client
            .as_ref()
            .is_some_and(|client| !client.is_closed())
        {
            return Ok(());
        }
        self.prepared.clear();
        let connected = self.runtime.block_on(connect(&self.config));
        self.client = Some(connected.map_err(Fault::unavailable)?);
        self.script(SESSION)
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let (runtime, client) = self.parts()?;
        let done = runtime.block_on(client.execute(&statement, &borrowed(params)));
        done.map_err(|error| self.fault(&error))
    }

    pub(super) fn batch(&mut self, statements: &[Statement<'_>]) -> Result<()> {
        let prepared: Vec<Prepared> = statements
            .iter()
            .map(|(sql, _)| self.prepare(sql))
            .collect::<Result<_>>()?;
        let (runtime, client) = self.parts()?;
        let parameters: Vec<_> = statements
            .iter()
            .map(|(_, params)| borrowed(params))
            .collect();
        let done = runtime.block_on(try_join_all(
            prepared
                .iter()
                .zip(&parameters)
                .map(|(statement, params)| client.execute(statement, params)),
        ));
        done.map(drop).map_err(|error| self.fault(&error))
    }

    pub(super) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let (runtime, client) = self.parts()?;
        let found = runtime.block_on(client.query(&statement, &borrowed(params)));
        let rows = found.map_err(|error| self.fault(&error))?;
        rows.iter().map(row).collect()
    }

    /// By a cursor, a thousand rows at a time.
    pub(super) fn walk(
        &mut self,
        name: &str,
        sql: &str,
        each: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        self.script(&format!("DECLARE walk_{name} NO SCROLL CURSOR FOR {sql}"))?;
        let fetch = format!("FETCH 1000 FROM walk_{name}");
        loop {
            let rows = self.query(&fetch, &[])?;
            if rows.is_empty() {
                return self.script(&format!("CLOSE walk_{name}"));
            }
            rows.into_iter().try_for_each(&mut *each)?;
        }
    }

    pub(super) fn script(&mut self, sql: &str) -> Result<()> {
        let (runtime, client) = self.parts()?;
        let done = runtime.block_on(client.batch_execute(sql));
        done.map_err(|error| self.fault(&error))
    }

    pub(super) fn prepare(&mut self, sql: &str) -> Result<Prepared> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let (runtime, client) = self.parts()?;
        let made = runtime.block_on(client.prepare(sql));
        let statement = made.map_err(|error| self.fault(&error))?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn parts(&self) -> Result<(&Runtime, &Client)> {
        let client = self.client.as_ref();
        let client = client.ok_or_else(|| Fault::unavailable("not connected to PostgreSQL"))?;
        Ok((&self.runtime, client))
    }

    /// Sorts an error: lost connections and deadlocks are worth another run, a full disk has its own code.
    fn fault(&mut self, error: &tokio_postgres::Error) -> Fault {
        let state = error.code();
        let conflict = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ];
        if error.is_closed() || state.is_none() || state.is_some_and(is_shutdown) {
            self.client = None;
            self.worth_again = true;
            return Fault::unavailable(described(error));
        }
        self.worth_again = state.is_some_and(|state| conflict.contains(state));
        match state {
            Some(&SqlState::DISK_FULL) => {
                Fault::new(Code::StorageFull, "Stockage plein.").because(described(error))
            }
            Some(&SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE) => {
                Fault::unavailable(described(error))
            }
            _ if self.worth_again => Fault::unavailable(described(error)),
            _ => Fault::internal(described(error)),
        }
    }
}

fn is_shutdown(state: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ]
    .contains(state)
}

/// The server's message and detail, without the values of the statement.
fn described(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(server) => format!("{}: {}", server.code().code(), server.message()),
        None => error.to_string(),
    }
}

async fn connect(config: &Config) -> Result<Client, String> {
    let tls = SslConnector::builder(SslMethod::tls_client()).map_err(|error| error.to_string())?;
    let (client, connection) = config
        .connect(MakeTlsConnector::new(tls.build()))
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "connection to PostgreSQL lost");
        }
    });
    Ok(client)
}

fn borrowed(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params
        .iter()
        .map(|param| param as &(dyn ToSql + Sync))
        .collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(v) if *ty == Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
            Self::Int(v) => v.to_sql_checked(ty, out),
            Self::Bool(v) => v.to_sql_checked(ty, out),
            Self::Text(v) => v.to_sql_checked(ty, out),
            Self::Bytes(v) => v.to_sql_checked(ty, out),
            Self::Uuid(v) => v.to_sql_checked(ty, out),
            Self::Json(v) => v.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn row(row: &tokio_postgres::Row) -> Result<Row> {
    let values = (0..row.len()).map(|index| {
        row.try_get::<_, Column>(index)
            .map(|column| column.0)
            .map_err(Fault::internal)
    });
    Ok(Row(values.collect::<Result<_>>()?))
}

/// A column of whatever type the statement gave.
struct Column(Value);

impl<'a> FromSql<'a> for Column {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Bool(bool::from_sql(ty, raw)?),
            Type::BYTEA => Value::Bytes(Vec::from_sql(ty, raw)?),
            Type::UUID => Value::Uuid(Uuid::from_sql(ty, raw)?),
            Type::JSONB | Type::JSON => Value::Json(serde_json::Value::from_sql(ty, raw)?),
            _ => Value::Text(String::from_sql(ty, raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
