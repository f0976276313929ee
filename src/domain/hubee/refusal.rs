//! How the hub says no (R7, R8): every function of its domain answers a [`Result`], and the listener has one table from a
//! [`Refusal`] to its status. Messages are English and literal: deployed clients look for their words.
//!
//! Faults of the caller are [`Refusal::Bad`], all of a request in one; what breaks on our side stays a [`Fault`], which `?`
//! turns into a refusal. A unit of work that may refuse after it has begun to write goes through [`write()`], so that
//! nothing of it stays.

use std::sync::{Arc, Mutex, PoisonError};

use super::faults::{Faults, TOLD};
use crate::{
    kernel::fault::{Fault, Result as Kept},
    storage::{Store, Tx},
};

/// What every function of the hub's domain answers.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// A request that is not done.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// 400: what is wrong with it, one text for each fault ([`Faults`]).
    Bad(Vec<String>),
    /// 403 `Unauthorized user`: the scope or the perimeter of the caller.
    Unauthorized,
    /// 404: an id that does not exist, with the message of its kind ([`FOLDER`], [`CASE`], …).
    NotFound(&'static str),
    /// 405: `POST` without the header that makes it a `PATCH` (R5).
    MethodNotAllowed,
    /// A fault of ours, or one that the body's guard found: its code gives the status, its cause goes to the log.
    Fault(Fault),
}

/// No folder has that id.
pub const FOLDER: &str = "Folder is not found";
/// No case has that id.
pub const CASE: &str = "Case is not found";
/// No event has that id.
pub const EVENT: &str = "Event is not found";
/// Nothing is stored under that attachment, or nothing that is handed out.
pub const FILE: &str = "File is not found";
/// No attachment has that id.
pub const BINARY: &str = "Binary meta-data is not found";
/// No notification has that id.
pub const NOTIFICATION: &str = "Notification is not found";
/// No organisation has that id.
pub const ORGANIZATION: &str = "Organization is not found";
/// No process has that code.
pub const PROCESS: &str = "Process is not found";
/// No subscription has that id.
pub const SUBSCRIPTION: &str = "Subscription is not found";

impl Refusal {
    /// One fault of the caller.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::Bad(vec![message.into()])
    }

    /// Refuses where there is a fault; passes where there is none.
    pub fn unless_none(faults: impl Into<Faults>) -> Result<()> {
        let faults = faults.into();
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Self::Bad(faults.told(TOLD))),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Runs `work` as one transaction ([`Store::write`]): a refusal rolls back what it has written, as a fault does.
pub async fn write<T, F>(store: &Store, mut work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let said = Arc::new(Mutex::new(None));
    let mouth = Arc::clone(&said);
    let written = store.write(move |tx| speak(&mouth, work(tx))).await;
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).take();
    written.map_err(|fault| said.unwrap_or(Refusal::Fault(fault)))
}

/// Leaves a refusal where its caller finds it, and makes it a fault, by which the unit rolls back.
fn speak<T>(mouth: &Mutex<Option<Refusal>>, outcome: Result<T>) -> Kept<T> {
    // The unit may run again: what it said before does not count.
    let mut said = mouth.lock().unwrap_or_else(PoisonError::into_inner);
    *said = None;
    outcome.map_err(|refusal| match refusal {
        Refusal::Fault(fault) => fault,
        refusal => {
            *said = Some(refusal);
            Fault::internal("refused within its unit")
        }
    })
}

/// Runs `work`, which only reads ([`Store::read`]).
pub async fn read<T, F>(store: &Store, mut work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let said = Arc::new(Mutex::new(None));
    let mouth = Arc::clone(&said);
    let found = store.read(move |tx| speak(&mouth, work(tx))).await;
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).take();
    found.map_err(|fault| said.unwrap_or(Refusal::Fault(fault)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_within_a_unit_comes_out_as_itself_and_only_that_of_the_last_run() {
        let mouth = Mutex::new(None);
        assert!(speak::<()>(&mouth, Err(Refusal::bad("first"))).is_err());
        assert!(matches!(&*mouth.lock().unwrap(), Some(Refusal::Bad(_))));
        assert!(speak(&mouth, Ok(())).is_ok());
        assert!(mouth.lock().unwrap().is_none());
        assert!(speak::<()>(&mouth, Err(Fault::unavailable("away").into())).is_err());
        assert!(mouth.lock().unwrap().is_none());
    }
}
