//! One connection to PostgreSQL. A unit of work takes few round trips: its begin travels with its first statement, and
//! statements whose outcome nobody looks at travel with the next one, or with the commit.

use std::{collections::HashMap, error::Error as _, sync::OnceLock, time::Duration};

use futures_util::future::{try_join_all, try_join3};
use openssl::ssl::{SslConnector, SslMethod};
use postgres_openssl::MakeTlsConnector;
use tokio::runtime::Runtime;
use tokio_postgres::{
    Client, Config, NoTls, Socket, Statement as Prepared, config::SslMode, error::SqlState,
    tls::MakeTlsConnect,
};

use super::{
    merge,
    values::{borrowed, row},
};
use crate::{
    kernel::fault::{Code, Fault, Result},
    storage::engine::{Kind, Row, Statement, Tx, Unit, Value},
};

/// How long one connection attempt may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How many statements wait at most: all of a group's.
const DEFERRED: usize = 512;
/// The server's own limits for each connection: a statement, a lock, an abandoned transaction. And a commit that is answered
/// is in the server's log on its disk, whatever is set for the role or the database, or for the server while the session lasts;
/// how it waits for a standby, where it does, is the operator's.
const SESSION: &str = "SET statement_timeout='25s'; SET lock_timeout='10s'; \
                       SET idle_in_transaction_session_timeout='60s'; \
                       SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
                       WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// How units that ran together came to nothing.
pub(super) enum Together {
    /// Nothing of them is there.
    Undone,
    /// The commit's answer was lost: all of them are there, or none.
    Unknown(Fault),
}

/// One connection, its prepared statements and the runtime that drives it.
pub struct Session {
    runtime: Runtime,
    config: Config,
    client: Option<Client>,
    prepared: HashMap<String, Prepared>,
    /// Whether the unit's transaction is still to be begun: that travels with its first statement.
    begin_due: bool,
    /// Statements that wait for the next one to travel with.
    deferred: Vec<(String, Vec<Value>)>,
    /// Whether the unit that runs is one of several under one commit.
    pub(in crate::storage::engine) is_together: bool,
    /// Whether the last failure was one that a second run may not meet.
    pub(super) worth_again: bool,
}

impl Session {
    pub(super) fn new(mut config: Config) -> Result<Self> {
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
            begin_due: false,
            deferred: Vec::new(),
            is_together: false,
            worth_again: false,
        })
    }

    pub(super) fn attempt(&mut self, unit: &mut dyn Unit, transaction: bool) -> Result<()> {
        self.worth_again = false;
        self.connect()?;
        self.begin_due = transaction;
        let ran = unit.run(&mut Tx(Kind::Postgres(self)));
        let outcome = match ran {
            Ok(()) => self.conclude(transaction),
            // The unit's own fault is what the caller wants to know.
            Err(fault) => Err(fault),
        };
        if outcome.is_err() && transaction {
            self.roll_back();
        }
        outcome
    }

    /// Runs units under one commit. They are not rolled back where its answer was lost: they may be there.
    pub(super) fn attempt_together(&mut self, group: &mut [Box<dyn Unit>]) -> Result<(), Together> {
        self.is_together = true;
        let outcome = self.all(group);
        self.is_together = false;
        if outcome.is_err() {
            self.roll_back();
        }
        outcome
    }

    fn all(&mut self, group: &mut [Box<dyn Unit>]) -> Result<(), Together> {
        let undone = |_: Fault| Together::Undone;
        self.connect().map_err(undone)?;
        self.begin_due = true;
        for unit in group {
            unit.run(&mut Tx(Kind::Postgres(self))).map_err(undone)?;
        }
        self.conclude(true).map_err(|fault| match self.client {
            Some(_) => Together::Undone,
            None => Together::Unknown(fault),
        })
    }

    /// Sends what still waits, and the commit behind it. Nothing was begun where nothing was done.
    fn conclude(&mut self, transaction: bool) -> Result<()> {
        if self.begin_due && self.deferred.is_empty() {
            return Ok(());
        }
        if !transaction {
            return self.flush();
        }
        let committed = self.pipeline(async |client| client.batch_execute("COMMIT").await);
        if committed.is_err() && self.client.is_none() {
            // The outcome is unknown: a second run might do it twice.
            self.worth_again = false;
        }
        committed
    }

    /// A failed rollback ends the connection.
    fn roll_back(&mut self) {
        self.deferred.clear();
        let begun = !std::mem::take(&mut self.begin_due) && self.client.is_some();
        let worth_again = self.worth_again;
        if begun && self.script("ROLLBACK").is_err() {
            self.client = None;
        }
        self.worth_again = worth_again;
    }

    pub(super) fn connect(&mut self) -> Result<()> {
        self.deferred.clear();
        self.begin_due = false;
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

    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        self.pipeline(async |client| client.execute(&statement, &borrowed(params)).await)
    }

    /// Has statements run whose outcome nobody looks at: they leave with the next one, or with the commit. A fault of
    /// theirs is the fault of what they leave with.
    pub fn batch(&mut self, statements: &[Statement<'_>]) -> Result<()> {
        let each = statements.iter();
        self.deferred
            .extend(each.map(|(sql, params)| ((*sql).to_owned(), params.to_vec())));
        match self.deferred.len() > DEFERRED {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let found =
            self.pipeline(async |client| client.query(&statement, &borrowed(params)).await)?;
        found.iter().map(row).collect()
    }

    /// By a cursor, a thousand rows at a time.
    pub fn walk(
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

    pub fn script(&mut self, sql: &str) -> Result<()> {
        self.pipeline(async |client| client.batch_execute(sql).await)
    }

    fn flush(&mut self) -> Result<()> {
        self.pipeline(async |_| Ok(()))
    }

    /// Sends what waits, then `last`, without awaiting an answer in between: one round trip for all of them.
    fn pipeline<T>(
        &mut self,
        last: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T> {
        let deferred = self.waiting()?;
        let begin_due = std::mem::take(&mut self.begin_due);
        let (runtime, client) = self.parts()?;
        let begun = async {
            match begin_due {
                true => client.batch_execute("BEGIN").await,
                false => Ok(()),
            }
        };
        let before = async {
            let params: Vec<_> = deferred
                .iter()
                .map(|(_, params)| borrowed(params))
                .collect();
            let each = deferred.iter().zip(&params);
            try_join_all(each.map(|((statement, _), params)| client.execute(statement, params)))
                .await
        };
        // Each sends when it is first looked at, which is in this order.
        let done = runtime.block_on(try_join3(begun, before, last(client)));
        done.map(|(_, _, last)| last)
            .map_err(|error| self.fault(&error))
    }

    /// What waits, as few statements as can be, prepared.
    fn waiting(&mut self) -> Result<Vec<(Prepared, Vec<Value>)>> {
        let merged = merge::merged(std::mem::take(&mut self.deferred));
        let each = merged.into_iter();
        each.map(|(sql, params)| Ok((self.prepare(&sql)?, params)))
            .collect()
    }

    pub fn prepare(&mut self, sql: &str) -> Result<Prepared> {
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

    /// Sorts an error: lost connections, deadlocks and rows that another has made meanwhile are worth another run, a full
    /// disk has its own code.
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
            // A unit that has looked before it wrote finds at its next look what the other has committed.
            Some(&SqlState::UNIQUE_VIOLATION) => {
                self.worth_again = true;
                Fault::internal(described(error))
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

/// The server's message, without the values of the statement; or what is wrong with the connection, and why.
fn described(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(server), _) => format!("{}: {}", server.code().code(), server.message()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

/// What all connections of the process share: to read the system's authorities takes longer than the rest of a connection.
/// Those that are added later are known from the next start on.
fn connector() -> Result<MakeTlsConnector, String> {
    static SHARED: OnceLock<SslConnector> = OnceLock::new();
    let shared = match SHARED.get() {
        Some(shared) => shared.clone(),
        None => {
            let made = SslConnector::builder(SslMethod::tls_client());
            let made = made.map_err(|error| error.to_string())?.build();
            SHARED.get_or_init(|| made).clone()
        }
    };
    Ok(MakeTlsConnector::new(shared))
}

async fn connect(config: &Config) -> Result<Client, String> {
    match config.get_ssl_mode() {
        SslMode::Disable => connect_by(config, NoTls).await,
        _ => connect_by(config, connector()?).await,
    }
}

async fn connect_by<T>(config: &Config, tls: T) -> Result<Client, String>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let connected = config.connect(tls).await;
    let (client, connection) = connected.map_err(|error| described(&error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "connection to PostgreSQL lost");
        }
    });
    Ok(client)
}
