//! PostgreSQL: one thread per connection, each with a small runtime of its own; a unit runs whole on one of them.
//!
//! A connection is made when a unit needs it and again after a loss; a unit whose connection was lost before its commit runs
//! once more on a fresh one. Serialization failures and deadlocks run again, five times at most; so does a unit whose row
//! another has made since it looked, and is refused by its own look then. A commit whose answer was
//! lost has an unknown outcome: the caller is told `unavailable` and the natural keys make its retry harmless.
//!
//! Short units that many make at once (`Store::write_together`) have a few connections of their own: while these commit, more
//! units gather, and run under the next commit without a round trip of their own. Where one of them fails, all are rolled
//! back, and each runs alone.
//!
//! `session` is one connection; `merge` makes one statement of many that insert; `values` is how values travel.

mod merge;
mod session;
mod values;

use std::thread;

use crossbeam_channel::{Receiver, never};
use tokio_postgres::Config;

pub(super) use session::Session;
use session::Together;

use super::{Access, Unit};
use crate::kernel::fault::{Code, Fault, Result};

/// The server refuses writes of a session that only reads.
const READ_ONLY: &str = "-c default_transaction_read_only=on";
/// How many connections the units have that run together, and how many units one commit may carry: more connections take
/// smaller groups, and it is the groups that pay.
const JOINT: usize = 2;
const GROUP: usize = 64;
/// From how many connections on those are set apart.
const APART: usize = 4;
/// How often a unit runs again after a deadlock, a lost connection or a row that another was faster with.
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

/// Where units wait.
#[derive(Clone)]
pub(super) struct Queues {
    pub(super) writes: Receiver<Box<dyn Unit>>,
    pub(super) together: Receiver<Box<dyn Unit>>,
    pub(super) reads: Receiver<Box<dyn Unit>>,
}

impl Queues {
    /// What connection `number` of `connections` serves.
    fn of(&self, number: usize, connections: usize) -> Self {
        let mut own = self.clone();
        if connections >= APART {
            match number < JOINT {
                true => (own.writes, own.reads) = (never(), never()),
                false => own.together = never(),
            }
        }
        own
    }
}

pub(super) fn start(config: &Config, connections: usize, queues: &Queues) -> Result<()> {
    let connections = connections.max(1);
    for number in 0..connections {
        let session = Session::new(config.clone())?;
        let queues = queues.of(number, connections);
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || super::or_abort(|| serve(session, &queues)))
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

/// Takes units from its queues until one of them is closed, as all are with the last handle.
fn serve(mut session: Session, queues: &Queues) {
    loop {
        crossbeam_channel::select! {
            recv(queues.writes) -> unit => match unit {
                Ok(unit) => run(&mut session, unit, true),
                Err(_) => return,
            },
            recv(queues.together) -> unit => match unit {
                Ok(first) => run_together(&mut session, first, &queues.together),
                Err(_) => return,
            },
            recv(queues.reads) -> unit => match unit {
                Ok(unit) => run(&mut session, unit, false),
                Err(_) => return,
            },
        }
    }
}

/// Runs `first` and what waits behind it under one commit; where that fails, each alone.
fn run_together(session: &mut Session, first: Box<dyn Unit>, queue: &Receiver<Box<dyn Unit>>) {
    // Where the processors are busy, those that are about to come go first, and share the commit.
    thread::yield_now();
    let mut group = vec![first];
    group.extend(queue.try_iter().take(GROUP - 1));
    if group.len() == 1 {
        return group.into_iter().for_each(|unit| run(session, unit, true));
    }
    match session.attempt_together(&mut group) {
        Ok(()) => group.into_iter().for_each(|unit| unit.settle(Ok(()))),
        Err(Together::Undone) => group.into_iter().for_each(|unit| run(session, unit, true)),
        Err(Together::Unknown(fault)) => group
            .into_iter()
            .for_each(|unit| unit.settle(Err(fault.clone()))),
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
