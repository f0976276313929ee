//! The lines to the depots: so many at once as each depot's settings allow, shared by all that is done there.
//!
//! A line stays connected between two uses, so a depot that is looked at every ten seconds logs us in once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    config::{Depot, Depots},
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
    },
    transport::Line,
};

/// The lines of every depot: a cheap handle.
#[derive(Clone)]
pub struct Lines(Arc<BTreeMap<String, Pool>>);

struct Pool {
    depot: Arc<Depot>,
    seats: Arc<Semaphore>,
    /// What nobody uses now.
    free: Mutex<Vec<Line>>,
    clock: Clock,
}

impl Lines {
    /// Lines that are not connected yet.
    pub fn new(depots: &Depots, clock: &Clock) -> Self {
        let pool = |depot: &Arc<Depot>| Pool {
            depot: depot.clone(),
            seats: Arc::new(Semaphore::new(depot.connections)),
            free: Mutex::default(),
            clock: clock.clone(),
        };
        let pools = depots
            .iter()
            .map(|(name, depot)| (name.clone(), pool(depot)));
        Self(Arc::new(pools.collect()))
    }

    /// The settings of a depot. Fails with `unavailable` where they were taken away since.
    pub fn depot(&self, name: &str) -> Result<Arc<Depot>> {
        Ok(self.pool(name)?.depot.clone())
    }

    /// Does `work` with a line to `depot`, on a thread that may block, once one is free. A work whose caller stops waiting
    /// goes on to its end, and keeps its line until then.
    pub async fn with<T: Send + 'static>(
        &self,
        depot: &str,
        work: impl FnOnce(&mut Line) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let seat = self.pool(depot)?.seats.clone().acquire_owned().await;
        let seat = seat.map_err(Fault::internal)?;
        let (lines, depot) = (self.clone(), depot.to_owned());
        tokio::task::spawn_blocking(move || lines.used(&depot, seat, work))
            .await
            .map_err(Fault::internal)?
    }

    fn used<T>(
        &self,
        depot: &str,
        seat: OwnedSemaphorePermit,
        work: impl FnOnce(&mut Line) -> Result<T>,
    ) -> Result<T> {
        let pool = self.pool(depot)?;
        let mut line = pool.take();
        let done = work(&mut line);
        pool.put(line);
        drop(seat);
        done
    }

    fn pool(&self, name: &str) -> Result<&Pool> {
        self.0.get(name).ok_or_else(|| {
            Fault::new(Code::Unavailable, "Le dépôt n'est plus configuré.").because(name)
        })
    }
}

impl Pool {
    fn take(&self) -> Line {
        let free = self.lock().pop();
        free.unwrap_or_else(|| Line::new(self.depot.clone(), self.clock.clone()))
    }

    fn put(&self, line: Line) {
        self.lock().push(line);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Line>> {
        // A list of whole lines is sound whatever happened to the thread that held it.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
