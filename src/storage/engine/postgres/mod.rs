//! PostgreSQL: one thread per connection, each with a small runtime of its own; a unit runs whole on one of them.
//!
//! A connection is made when a unit needs it and again after a loss; a unit whose connection was lost before its commit runs
//! once more on a fresh one. Serialization failures and deadlocks run again, five times at most. A commit whose answer was
//! lost has an unknown outcome: the caller is told `unavailable` and the natural keys make its retry harmless.
//!
//! `session` is one connection; `values` is how values travel on it.

mod session;
mod values;

use std::thread;

use crossbeam_channel::Receiver;
use tokio_postgres::Config;

pub(super) use session::Session;

use super::{Access, Unit};
use crate::kernel::fault::{Code, Fault, Result};

/// The server refuses writes of a session that only reads.
const READ_ONLY: &str = "-c default_transaction_read_only=on";
/// How often a unit runs again after a deadlock or a lost connection.
const AGAIN: usize = 5;

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
